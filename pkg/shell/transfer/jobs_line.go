package transfer

import (
	"fmt"
	"time"

	"imgtools/pkg/shell/cli"
	"imgtools/pkg/shell/client"
)

// print writes the line of one job, if it is in the state asked for:
//
//	ID  STATE  PLACE  NAME
//
// PLACE is the place in the queue. For a failed job a colon and the reason follow
// NAME. With Long there are more columns before NAME:
//
//	ID  STATE  PLACE  RECEIVED  TOOK  IN  OUT  SIZE  OPS  NAME
//
// What is missing is "-".
func (q *inquiry) print(a answer) error {
	if q.JobsConfig.State != "" && q.JobsConfig.State != a.State {
		return nil
	}
	if q.JSON {
		_, err := fmt.Fprintf(q.Stdout, "%s\n", a.Status.JSON)
		return err
	}
	line := fmt.Sprintf("%s  %-7s  %5s  ", a.ref.Text, a.State, number(int64(a.Place)))
	if q.Long {
		line += more(a.Status)
	}
	line += orDash(a.Name)
	if a.Error.Detail != "" {
		line += ": " + a.Error.Detail
	}
	_, err := fmt.Fprintln(q.Stdout, cli.Line(line))
	return err
}

// more returns the columns that Long adds: when the job was received, in UTC, how many
// seconds its work took, bytes of the picture and of the result, the result's size in
// pixels, and the operations.
func more(s client.Status) string {
	received, took, size := "-", "-", "-"
	if !s.Received.IsZero() {
		received = s.Received.UTC().Format(time.RFC3339)
	}
	if !s.Started.IsZero() && !s.Finished.IsZero() {
		took = fmt.Sprintf("%.2f", max(s.Finished.Sub(s.Started), 0).Seconds())
	}
	if s.Out.Width > 0 {
		size = fmt.Sprintf("%dx%d", s.Out.Width, s.Out.Height)
	}
	return fmt.Sprintf("%-20s  %6s  %9s  %9s  %11s  %s  ", received, took, number(s.In.Bytes), number(s.Out.Bytes), size, orDash(s.Ops))
}

// number writes a number, or a hyphen for 0.
func number(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
