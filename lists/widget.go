package lists

// Widget is the picture of a bot that a list makes for other pages.
type Widget struct {
	picture, page template // page may be zero
	home          string
}

// Widget returns the list's widget; nil where none is known.
func (l *List) Widget() *Widget { return l.widget }

// NeedsListBotID reports whether the widget is found by the list's own number of a
// bot, and not by its id alone.
func (w *Widget) NeedsListBotID() bool { return w.picture.holds(placeholderListBotID) }

// Picture returns where the widget of a bot is; listBotID is the list's own number
// of it, and may be "" where that is not needed.
func (w *Widget) Picture(botID, listBotID string) string {
	return w.picture.forBot(&ids{botID: botID, listBotID: listBotID})
}

// Page returns where a widget leads: the bot's page at the list, or the list where
// that is not known.
func (w *Widget) Page(botID string) string {
	if w.page.isZero() {
		return w.home
	}
	return w.page.forBot(&ids{botID: botID})
}
