package net.dv8tion.jda.api.hooks;

import net.dv8tion.jda.api.events.session.ReadyEvent;

public class ListenerAdapter {
    public void onReady(ReadyEvent event) {}
}
