// What Go's rs/cors costs a request beyond the bare handler. Sizes are the arguments; prints {"scenario": nanoseconds}.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/rs/cors"
)

const (
	rounds = 500
	batch  = 100
)

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

func app(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", "2")
	w.Write([]byte("ok"))
}

// fresh makes a new string, as a server would that reads from a socket.
func fresh(text string) string { return string([]byte(text)) }

func timeBatch(handler http.Handler, request func(int) *http.Request) float64 {
	requests := make([]*http.Request, batch)
	writers := make([]*discard, batch)
	for i := range requests {
		requests[i] = request(i)
		writers[i] = &discard{make(http.Header)}
	}
	began := time.Now()
	for i, r := range requests {
		handler.ServeHTTP(writers[i], r)
	}
	return float64(time.Since(began).Nanoseconds()) / batch
}

func measure(wrapped http.Handler, request func(int) *http.Request) (bare, total float64) {
	bare, total = math.Inf(1), math.Inf(1)
	deadline := time.Now().Add(1500 * time.Millisecond)
	for round := 0; round < rounds; round++ {
		bare = math.Min(bare, timeBatch(http.HandlerFunc(app), request))
		total = math.Min(total, timeBatch(wrapped, request))
		if round > 3 && time.Now().After(deadline) {
			break
		}
	}
	return bare, total
}

func withCommas(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func main() {
	results := map[string]float64{}
	for _, argument := range os.Args[1:] {
		size, err := strconv.Atoi(argument)
		if err != nil {
			panic(err)
		}
		origins := make([]string, size)
		for i := range origins {
			origins[i] = fmt.Sprintf("https://site%07d.partner.example", i)
		}
		wrapped := cors.New(cors.Options{
			AllowedOrigins:   origins,
			AllowedMethods:   []string{"GET", "PUT", "DELETE"},
			AllowedHeaders:   []string{"Authorization", "Content-Type", "X-Request-ID"},
			ExposedHeaders:   []string{"X-Total"},
			AllowCredentials: true,
			MaxAge:           600,
		}).Handler(http.HandlerFunc(app))
		step := size / 10
		if step == 0 {
			step = 1
		}
		allowed := func(i int) string { return origins[i%10*step] }
		refused := func(i int) string { return fmt.Sprintf("https://x%07d.attacker.example", i%10) }
		actual := func(origin func(int) string) func(int) *http.Request {
			return func(i int) *http.Request {
				r, _ := http.NewRequest("GET", "http://api.service.example/", nil)
				if origin != nil {
					r.Header["Origin"] = []string{fresh(origin(i))}
				}
				return r
			}
		}
		preflight := func(origin func(int) string) func(int) *http.Request {
			return func(i int) *http.Request {
				r, _ := http.NewRequest("OPTIONS", "http://api.service.example/", nil)
				r.Header["Origin"] = []string{fresh(origin(i))}
				r.Header["Access-Control-Request-Method"] = []string{fresh("DELETE")}
				r.Header["Access-Control-Request-Headers"] = []string{fresh("authorization,content-type")}
				return r
			}
		}
		label := withCommas(size) + " origins"
		for _, scenario := range []struct {
			family    string
			request   func(int) *http.Request
			preflight bool
		}{
			{"no Origin", actual(nil), false},
			{"allowed", actual(allowed), false},
			{"refused", actual(refused), false},
			{"preflight allowed", preflight(allowed), true},
			{"preflight refused", preflight(refused), true},
		} {
			bare, total := measure(wrapped, scenario.request)
			if scenario.preflight {
				bare = 0
			}
			results[scenario.family+", "+label] = total - bare
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		panic(err)
	}
}
