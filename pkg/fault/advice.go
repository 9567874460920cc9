package fault

// Advice explains a kind of error to an operator. The page /status and the manual's
// imgtools-operating(7) show it.
type Advice struct {
	Means string // what has happened
	Do    string // what to do about it
}

var advice = [numKinds]Advice{
	Internal: {"its worker died twice, or imgd failed",
		"Keep the picture and report it as a bug. If many pictures fail, compare free memory with -maxmem: a worker that needs more dies."},
	Usage: {"the request is wrong",
		"Nothing to do on the server. The message names the word that the client must change."},
	Format: {"not a picture, or a damaged one",
		"Nothing to do on the server. Check the file with imginfo; gray -lenient shows what is left of a damaged one."},
	Unsupported: {"a kind of picture that is not supported",
		"Send another format. GET / lists the formats, and the message names a way if there is one."},
	TooLarge: {"bytes, pixels or memory beyond a limit",
		"If you want such pictures, raise the flag that the message names: -maxbytes, -maxpixels or -maxmem."},
	Timeout: {"the work took too long",
		"If only huge pictures time out, raise -t or lower -maxpixels. If usual ones do, the machine has too little CPU time: add CPUs or machines."},
	Busy: {"too many wait, no worker there, or the spool is away",
		"If all workers are busy, add CPUs or machines; a larger -queue only makes clients wait longer. If no worker is ready, read the log of that daemon. If the spool is away, mount it again."},
	Full: {"no room in the spool",
		"Free room on the file system, raise -quota, or lower -ttl so that results are removed sooner."},
	Unauthorized: {"a token is needed",
		"Give the client a token of the file of -token. After a change to the file send imgd SIGHUP."},
	Forbidden: {"from another site or user, or a URL without a valid signature",
		"If the site is yours, name it with -host. Add the user to the group of imgd. Sign the URL with imgsign."},
	NotFound: {"nothing there",
		"Nothing to do on the server, unless a proxy in front of it changes paths."},
	Method: {"the path does not take this method",
		"Nothing to do on the server. The message names the methods that the path takes."},
	RequestTimeout: {"the upload was too slow, or the client left",
		"If it happens often, look at the network, and at the time that clients and proxies wait for an answer."},
	Conflict: {"the id belongs to another job",
		"Nothing to do on the server. The client must choose ids at random."},
	Gone: {"the job has expired or was deleted",
		"If clients fetch results later than that, raise -ttl."},
	Misdirected: {"a Host that is not served here",
		"If the name is yours, add it with -host."},
}

// Advice returns what an operator should know of the kind.
func (k Kind) Advice() Advice {
	if k >= numKinds {
		k = Internal
	}
	return advice[k]
}
