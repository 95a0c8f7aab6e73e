// Package rosetta stands for github.com/tonistiigi/go-rosetta, which not every module proxy has. docker's client asks it
// whether macOS translates it, for the output of `docker version`; under Linux the answer is this one.
package rosetta

func Enabled() bool { return false }
