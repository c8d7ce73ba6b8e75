package testkit

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Build builds a main package into the file at path.
func Build(path, pkg string) error {
	if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}

// A Program is a running program under test.
type Program struct {
	*Service // its Stop terminates the program
	Cmd      *exec.Cmd
	Done     chan struct{} // closed when it has ended
}

// Start starts a program that logs the message "serving" with its "address" as
// JSON on stderr, and waits for that. The program ends with the test.
func Start(t testing.TB, cmd *exec.Cmd) *Program {
	t.Helper()
	p := &Program{Service: &Service{Log: &Log{}}, Cmd: cmd, Done: make(chan struct{})}
	p.Stop = func() int {
		Client.CloseIdleConnections()
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		return p.Code(t)
	}
	serving := p.Log.Next("serving")
	cmd.Stderr = p.Log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(p.Done) }()
	t.Cleanup(p.Kill)
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case e := <-serving:
		p.Base = fmt.Sprint("http://", e["address"])
	case <-p.Done:
		t.Fatalf("the program ended: %s", p.Log)
	case <-timer.C:
		t.Fatalf("the program did not start within %s: %s", Patience, p.Log)
	}
	return p
}

// Kill ends the program at once.
func (p *Program) Kill() {
	_ = p.Cmd.Process.Kill()
	<-p.Done
}

// Signal sends the program a signal.
func (p *Program) Signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := p.Cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// Code waits for the end, and returns the exit code.
func (p *Program) Code(t testing.TB) int {
	t.Helper()
	Receive(t, "the program's end", p.Done)
	return p.Cmd.ProcessState.ExitCode()
}

// An Ended is what a program that has ended said.
type Ended struct {
	Code        int
	Out, ErrOut string
}

// RunToEnd runs a program that ends by itself.
func RunToEnd(t testing.TB, cmd *exec.Cmd) Ended {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	timer := time.NewTimer(2 * Patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		_ = cmd.Process.Kill()
		<-done
		t.Fatalf("%v does not end: %s%s", cmd.Args, out.String(), errOut.String())
	}
	return Ended{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}
