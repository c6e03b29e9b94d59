// An application that shows its metrics with the official Prometheus client for Go.
//
//	scraped
//
// It prints the address at which it listens, and runs until its standard input is closed. /metrics answers in the format that
// is asked for; everything counts on with each answer.
package main

import (
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var (
	requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total", Help: "Requests \\ by\npath."}, []string{"path"})
	queue    = prometheus.NewGauge(prometheus.GaugeOpts{Name: "queue_bytes", Unit: "bytes"})
	strange  = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "strange_values"}, []string{"which"})
	unicode  = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "größe.gesamt"}, []string{"http.method"})
	classic  = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "classic_seconds", Buckets: []float64{0.1, 1, 10}})
	both     = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "both_seconds", Buckets: []float64{1}, NativeHistogramBucketFactor: 1.1})
	native   = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "native_seconds", NativeHistogramBucketFactor: 1.5}, []string{"sign"})
	summary  = prometheus.NewSummary(prometheus.SummaryOpts{Name: "summary_seconds", Objectives: map[float64]float64{0.5: 0.05, 0.99: 0.001}})
)

// count moves every metric, by another amount each time.
func count(round float64) {
	exemplar := prometheus.Labels{"trace_id": "0af7651916cd43dd8448eb211c80319c"}
	requests.WithLabelValues("/").(prometheus.ExemplarAdder).AddWithExemplar(round, exemplar)
	requests.WithLabelValues("quoted \"\\\n line").Inc()
	queue.Set(10)
	for which, value := range map[string]float64{"nan": math.NaN(), "inf": math.Inf(1), "-inf": math.Inf(-1), "small": 5e-324, "large": math.MaxFloat64} {
		strange.WithLabelValues(which).Set(value)
	}
	unicode.WithLabelValues("GET").Add(0.1)
	for at := 1.0; at < 40; at++ {
		classic.Observe(at / 4 * round)
		both.Observe(at * at * round)
		native.WithLabelValues("positive").Observe(at / round)
		native.WithLabelValues("negative").Observe(-at * round)
		native.WithLabelValues("both").Observe((at - 20) * round)
		summary.Observe(at)
	}
}

func main() {
	registry := prometheus.NewRegistry()
	registry.MustRegister(requests, queue, strange, unicode, classic, both, native, summary)
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, EnableOpenMetricsTextCreatedSamples: true})
	// What is counted began before the first one asks.
	round := 1.0
	count(round)
	// One at a time asks: the test's own server.
	http.HandleFunc("/metrics", func(answer http.ResponseWriter, request *http.Request) {
		round++
		count(round)
		handler.ServeHTTP(answer, request)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	go http.Serve(listener, nil)
	io.Copy(io.Discard, os.Stdin)
}
