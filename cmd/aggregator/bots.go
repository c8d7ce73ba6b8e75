package main

import (
	"flag"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"aggregator/agent"
	"aggregator/catalog"
	"aggregator/internal/engine"
)

// botsFlags say where the operator's own bots are, and how they are served.
type botsFlags struct {
	bots        string
	discordAPI  string
	noticePause time.Duration

	forgets bool                            // the store is in memory
	own     func(c *catalog.Catalog) []byte // text of a file in place of bots; nil: bots is one, or there is none
	madeUp  func(name string) string        // as in agent.LoadOptions
}

func (f *botsFlags) add(fs *flag.FlagSet) {
	secretPathVar(fs, &f.bots, "bots", "`FILE` of your own bots (bots.yaml): their tokens, keys, and what the service does for them by itself")
	addDiscordAPI(fs, &f.discordAPI)
	fs.DurationVar(&f.noticePause, "notice-pause", agent.DefaultNoticePause, "shortest `TIME` between two notices about one bot, 1m to 24h")
}

// check returns a usageError for a flag that says what it must not.
func (f *botsFlags) check() error {
	const least, most = time.Minute, 24 * time.Hour
	if f.noticePause < least || f.noticePause > most {
		return usagef("--notice-pause must be from 1m to 24h, is %s", f.noticePause)
	}
	return checkDiscordAPI(f.discordAPI)
}

func addDiscordAPI(fs *flag.FlagSet, api *string) {
	fs.StringVar(api, "discord-api", agent.DefaultDiscordAPI, "`URL` where Discord's API begins")
}

// checkDiscordAPI returns a usageError for an API that cannot be asked.
func checkDiscordAPI(api string) error {
	if u, err := url.Parse(api); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return usagef("--discord-api must be a URL such as %s", agent.DefaultDiscordAPI)
	}
	return nil
}

// outboundTo returns how requests go out that are for no list, to an API of
// Discord's.
func outboundTo(api string) agent.Outbound {
	return agent.Outbound{DiscordAPI: strings.TrimSuffix(api, "/"), DiscordUserAgent: discordUserAgent, UserAgent: userAgent}
}

// live loads the catalog and, where there are any, the bots that are held against
// it. Each reload loads both, and takes both or neither. bots is nil where there
// is no file of them.
func (f *botsFlags) live(read func() (*catalog.Catalog, []string, error), getenv func(string) string) (lists *catalog.Live, bots *agent.Live, warnings []string, err error) {
	if f.bots != "" || f.own != nil {
		bots = new(agent.Live)
		read = bots.Beside(read, func(c *catalog.Catalog) (*agent.Bots, []string, error) {
			o := agent.LoadOptions{Getenv: getenv, Forgets: f.forgets, MadeUp: f.madeUp}
			if f.own != nil {
				return agent.Parse("bots", f.own(c), c, o)
			}
			return agent.Load(f.bots, c, o)
		})
	}
	lists, warnings, err = catalog.NewLive(read)
	return lists, bots, warnings, err
}

// discordUserAgent has the form that Discord asks for.
var discordUserAgent = "DiscordBot (https://botlist-aggregator.invalid, " + thisBuild().Version + ")"

// newAgent returns the agent of bots; nil where bots is nil. The service's own
// limits on posts do not hold for it.
func (f *botsFlags) newAgent(bots *agent.Live, e *engine.Engine) *agent.Agent {
	if bots == nil {
		return nil
	}
	own := e.Unlimited()
	return agent.New(agent.Config{
		Bots: bots, Catalog: e.Catalog, Lists: own, Shards: own, State: e.Store.State(), Hash: e.Hash,
		Exchange: e.Client.Exchange, NoticePause: f.noticePause, Now: e.Now, Log: e.Log,
		Outbound: outboundTo(f.discordAPI),
	})
}

// describeBots returns how many bots there are, in words.
func describeBots(bots *agent.Bots) string {
	if bots == nil {
		return "none"
	}
	keys, posts := 0, 0
	for _, b := range bots.All() {
		if b.HasKey() {
			keys++
		}
		if b.Posts != nil {
			posts++
		}
	}
	noun := "bots"
	if len(bots.All()) == 1 {
		noun = "bot"
	}
	return fmt.Sprintf("%d %s (%d with a key, %d posted by the service)", len(bots.All()), noun, keys, posts)
}

// formatFlag asks for the format of bots.yaml. The environment variable of its
// name says where that file is, and asks for nothing.
type formatFlag bool

// IsBoolFlag makes the flag stand without a value.
func (*formatFlag) IsBoolFlag() bool { return true }

func (f *formatFlag) String() string { return strconv.FormatBool(bool(*f)) }

// Set implements flag.Value.
func (f *formatFlag) Set(value string) error {
	is, err := strconv.ParseBool(value)
	*f = formatFlag(is && err == nil)
	return nil
}
