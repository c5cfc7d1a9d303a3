// A stand-in for the Todo images: answers what a pod's probes ask, and misbehaves on demand.
//
// Each setting is a flag, or an environment variable of the flag's name in capitals with
// underscores (flag -crash-after, variable CRASH_AFTER); the flag wins.
// `<program> migrate` does what a migration job does: it waits, then ends with an exit code.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type settings struct {
	port           string
	version        string
	crashAfter     time.Duration
	exitCode       int
	neverReady     bool
	readyAfter     time.Duration
	unhealthyAfter time.Duration
	eatMemory      int
	ignoreTerm     bool
	migrateSeconds time.Duration
}

const never = time.Duration(-1)

func parse() settings {
	var s settings
	flag.StringVar(&s.port, "port", "8080", "port to listen on")
	flag.StringVar(&s.version, "version", "unknown", "version that / reports")
	flag.DurationVar(&s.crashAfter, "crash-after", never, "end with -exit-code after this time (0s: at once)")
	flag.IntVar(&s.exitCode, "exit-code", 1, "exit code of -crash-after and of migrate -crash-after")
	flag.BoolVar(&s.neverReady, "never-ready", false, "/ready answers 503 for ever")
	flag.DurationVar(&s.readyAfter, "ready-after", 0, "/ready answers 503 until then")
	flag.DurationVar(&s.unhealthyAfter, "unhealthy-after", never, "/health answers 503 from then on")
	flag.IntVar(&s.eatMemory, "eat-memory", 0, "MiB of memory to take and touch")
	flag.BoolVar(&s.ignoreTerm, "ignore-term", false, "do not end on TERM")
	flag.DurationVar(&s.migrateSeconds, "migrate-takes", 0, "how long `migrate` takes")
	flag.VisitAll(func(f *flag.Flag) {
		name := strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, found := os.LookupEnv(name)
		if !found || value == "" {
			return
		}
		if err := flag.Set(f.Name, value); err != nil {
			fmt.Fprintf(os.Stderr, "%s=%q: %v\n", name, value, err)
			os.Exit(2)
		}
	})
	flag.Parse()
	return s
}

func status(w http.ResponseWriter, good bool) {
	if !good {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "no")
		return
	}
	fmt.Fprintln(w, "ok")
}

// ask fetches ?url= from within the pod: for tests of names, services and network policies.
func ask(w http.ResponseWriter, r *http.Request) {
	client := http.Client{Timeout: 15 * time.Second}
	answer, err := client.Get(r.URL.Query().Get("url"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, io.LimitReader(answer.Body, 1<<20))
}

func handler(s settings, began time.Time) http.Handler {
	past := func(d time.Duration) bool { return d != never && time.Since(began) >= d }
	name, _ := os.Hostname()
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { status(w, !past(s.unhealthyAfter)) })
	mux.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) {
		status(w, !s.neverReady && past(s.readyAfter))
	})
	mux.HandleFunc("/ask", ask)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s %s on %s\n", filepath.Base(os.Args[0]), s.version, name)
	})
	return mux
}

// crash ends the program in the midst of its work, with last words for the pod's status.
func crash(s settings) {
	fmt.Fprintf(os.Stderr, "stand-in: ending with exit code %d, as told\n", s.exitCode)
	os.Exit(s.exitCode)
}

func migrate(s settings) {
	fmt.Printf("migrating for %s\n", s.migrateSeconds)
	time.Sleep(s.migrateSeconds)
	if s.crashAfter != never {
		crash(s)
	}
	fmt.Println("migrated")
}

func eat(mebibytes int) [][]byte {
	var eaten [][]byte
	for range mebibytes {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		eaten = append(eaten, block)
	}
	return eaten
}

func main() {
	s := parse()
	if flag.Arg(0) == "migrate" {
		migrate(s)
		return
	}
	if s.crashAfter == 0 {
		crash(s)
	}
	if s.crashAfter != never {
		time.AfterFunc(s.crashAfter, func() { crash(s) })
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM, syscall.SIGINT)
	server := &http.Server{
		Addr:              net.JoinHostPort("", s.port),
		Handler:           handler(s, time.Now()),
		ReadHeaderTimeout: 5 * time.Second,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	fmt.Printf("version %s listening on port %s\n", s.version, s.port)
	eaten := eat(s.eatMemory)
	for {
		select {
		case err := <-failed:
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		case <-terminated:
			if s.ignoreTerm {
				fmt.Println("TERM ignored, as told")
				continue
			}
			fmt.Println("ending on TERM")
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_ = server.Shutdown(ctx)
			_ = eaten
			return
		}
	}
}
