// Prometheus's own discovery and scraping, with a storage behind it that only takes down what it is given.
//
//	scraper PROMETHEUS.yml OUT.jsonl
//
// It runs until its standard input is closed. OUT.jsonl gets a line for each scrape that was committed: its samples, as
// tests/prometheus/scraper.rs reads them.
//
// Exit codes: 0 it was told to end, 1 it failed, 2 usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	_ "github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/scrape"
)

// Targets are to be there at once: a test waits for them.
const soon = 100 * time.Millisecond

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: scraper PROMETHEUS.yml OUT.jsonl")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(configFile, outFile string) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	cfg, err := config.LoadFile(configFile, false, logger)
	if err != nil {
		return err
	}
	jobs, err := cfg.GetScrapeConfigs()
	if err != nil {
		return err
	}
	taken, err := newNotebook(outFile)
	if err != nil {
		return err
	}

	registry := prometheus.NewRegistry()
	metrics, err := discovery.CreateAndRegisterSDMetrics(registry)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	found := discovery.NewManager(ctx, logger, registry, metrics, discovery.Name("scrape"), discovery.Updatert(soon))
	// Start timestamps are read from the formats, and metadata is handed on with each sample.
	options := &scrape.Options{AppendMetadata: true, ParseST: true, DiscoveryReloadInterval: model.Duration(soon)}
	scrapes, err := scrape.NewManager(options, logger, nil, nil, taken, registry)
	if err != nil {
		cancel()
		return err
	}

	sources := map[string]discovery.Configs{}
	for _, job := range jobs {
		sources[job.JobName] = job.ServiceDiscoveryConfigs
	}
	err = errors.Join(scrapes.ApplyConfig(cfg), found.ApplyConfig(sources))
	if err == nil {
		go found.Run()
		go scrapes.Run(found.SyncCh())
		_, err = io.Copy(io.Discard, os.Stdin)
	}
	// In this order in the server too: no target is taken for one that has gone.
	cancel()
	scrapes.Stop()
	return errors.Join(err, taken.close())
}
