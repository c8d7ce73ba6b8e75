package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"aggregator/aggregate"
	"aggregator/shares"
)

// Metrics counts what the service does, for Prometheus. Labels are bounded: by
// the route table, by the catalog, and by closed sets of kinds. None holds a
// token, a bot id or an address.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	calls    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	inFlight prometheus.Gauge
	webhooks *prometheus.CounterVec
	attempts *prometheus.CounterVec
}

// Status is what other packages report about themselves, asked at each scrape.
type Status struct {
	Breakers      func() []Breaker // those that are not closed
	StoreHealth   func() StoreHealth
	CallsInFlight func() int
	Requests      *shares.Semaphore         // places of requests; nil: there is no bound
	Memory        *shares.Semaphore         // bytes; nil: there is no bound
	Backlog       func() Backlog            // nil: no votes are passed on
	Uptimes       func() map[string]float64 // by list, from 0 to 1, see Uptimes; nil: they are not known
}

// Backlog is how many votes wait for the endpoints of bots.
type Backlog struct {
	Waiting int
	Oldest  time.Time // when the oldest of them arrived; zero if there is none
}

// Breaker is a breaker that is not closed.
type Breaker struct {
	List      string `json:"list"`
	Direction string `json:"direction"` // the name of the operation
	State     string `json:"state"`     // "open" or "half-open"
}

// NewMetrics returns metrics of a build that start at zero.
func NewMetrics(status Status, build Build) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aggregator_http_requests_total", Help: "Requests answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aggregator_http_request_duration_seconds", Help: "Time until a request was answered, by route.",
			Buckets: []float64{.001, .005, .01, .05, .1, .25, .5, 1, 2, 5, 10, 20},
		}, []string{"route"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aggregator_list_calls_total", Help: "Calls to lists, by list, direction and what became of them; paced and revoked ones were not sent.",
		}, []string{"list", "direction", "outcome"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aggregator_list_call_duration_seconds", Help: "Time until a list answered or failed, by list and direction.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2, 5, 10},
		}, []string{"list", "direction"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aggregator_http_requests_in_flight", Help: "Requests being answered.",
		}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aggregator_webhooks_total", Help: "Webhooks of lists, by list and what became of them.",
		}, []string{"list", "result"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aggregator_vote_deliveries_total", Help: "Attempts to pass a vote on to a bot, by what became of them.",
		}, []string{"result"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "aggregator_build_info", Help: "1, with the build of the program as labels.",
		ConstLabels: prometheus.Labels{"version": build.Version, "revision": build.Revision, "goversion": build.GoVersion},
	})
	info.Set(1)
	m.registry.MustRegister(info, m.requests, m.seconds, m.calls, m.took, m.inFlight, m.webhooks, m.attempts, statusCollector{status},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Observe counts a call to a list.
func (m *Metrics) Observe(_ context.Context, o aggregate.Outcome) {
	m.calls.WithLabelValues(o.List, o.Op.Direction, o.Kind).Inc()
	if o.Took > 0 {
		m.took.WithLabelValues(o.List, o.Op.Direction).Observe(o.Took.Seconds())
	}
}

// Webhook counts a webhook of a list.
func (m *Metrics) Webhook(list, result string) { m.webhooks.WithLabelValues(list, result).Inc() }

// Delivery counts an attempt to pass a vote on.
func (m *Metrics) Delivery(result string) { m.attempts.WithLabelValues(result).Inc() }

// answered counts an answered request. An unknown path or method is one label.
func (m *Metrics) answered(route, method string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// Handler returns the handler of /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

var (
	circuitState = prometheus.NewDesc("aggregator_circuit_state", "1 for each circuit that is not closed, with its state: open or half-open.",
		[]string{"list", "direction", "state"}, nil)
	listUptime = prometheus.NewDesc("aggregator_list_uptime_ratio", "Part of the calls to a list in the last 24 hours, of all replicas, that met no fault of the list.",
		[]string{"list"}, nil)
	storeHealthy    = prometheus.NewDesc("aggregator_store_healthy", "Whether the store keeps what it is given.", nil, nil)
	storeState      = prometheus.NewDesc("aggregator_store_state", "How the store is: 1 with the label of its state.", []string{"state"}, nil)
	requestsWaiting = prometheus.NewDesc("aggregator_http_requests_waiting", "Requests that wait for room.", nil, nil)
	memoryHeld      = prometheus.NewDesc("aggregator_memory_held_bytes", "Bytes that requests hold of --memory.", nil, nil)
	memoryLimit     = prometheus.NewDesc("aggregator_memory_limit_bytes", "Bytes that requests may hold: --memory.", nil, nil)
	callsInFlight   = prometheus.NewDesc("aggregator_list_calls_in_flight", "Calls to lists under way.", nil, nil)
	votesWaiting    = prometheus.NewDesc("aggregator_votes_waiting", "Votes that wait for the endpoints of bots.", nil, nil)
	votesOldest     = prometheus.NewDesc("aggregator_votes_oldest_seconds", "Age of the oldest vote that waits; 0 if none does.", nil, nil)
)

// statusCollector collects a Status at each scrape.
type statusCollector struct{ Status }

// Describe implements [prometheus.Collector].
func (statusCollector) Describe(to chan<- *prometheus.Desc) {
	to <- circuitState
	to <- listUptime
	to <- storeHealthy
	to <- storeState
	to <- callsInFlight
	to <- requestsWaiting
	to <- memoryHeld
	to <- memoryLimit
	to <- votesWaiting
	to <- votesOldest
}

// Collect implements [prometheus.Collector].
func (c statusCollector) Collect(to chan<- prometheus.Metric) {
	for _, b := range c.Breakers() {
		to <- prometheus.MustNewConstMetric(circuitState, prometheus.GaugeValue, 1, b.List, b.Direction, b.State)
	}
	if c.Uptimes != nil {
		for list, part := range c.Uptimes() {
			to <- prometheus.MustNewConstMetric(listUptime, prometheus.GaugeValue, part, list)
		}
	}
	healthy, health := 0.0, c.StoreHealth()
	if health.OK {
		healthy = 1
	}
	to <- prometheus.MustNewConstMetric(storeState, prometheus.GaugeValue, 1, health.State)
	to <- prometheus.MustNewConstMetric(storeHealthy, prometheus.GaugeValue, healthy)
	memory := c.Memory.Usage()
	to <- prometheus.MustNewConstMetric(requestsWaiting, prometheus.GaugeValue, float64(c.Requests.Usage().Waiting))
	to <- prometheus.MustNewConstMetric(memoryHeld, prometheus.GaugeValue, float64(memory.Held))
	to <- prometheus.MustNewConstMetric(memoryLimit, prometheus.GaugeValue, float64(memory.Capacity))
	to <- prometheus.MustNewConstMetric(callsInFlight, prometheus.GaugeValue, float64(c.CallsInFlight()))
	if c.Backlog != nil {
		backlog, age := c.Backlog(), 0.0
		if !backlog.Oldest.IsZero() {
			age = max(0, time.Since(backlog.Oldest).Seconds())
		}
		to <- prometheus.MustNewConstMetric(votesWaiting, prometheus.GaugeValue, float64(backlog.Waiting))
		to <- prometheus.MustNewConstMetric(votesOldest, prometheus.GaugeValue, age)
	}
}
