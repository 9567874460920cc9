// Package codec opens a picture of any format as rows and writes rows in any format.
// Sniff finds the format by the file's content, Open reads the header, Encode changes
// rows to what a format can hold and writes them.
//
// Which formats there are, and what each can hold, is said in package format. The
// code of each is a row of coders in formats.go.
package codec
