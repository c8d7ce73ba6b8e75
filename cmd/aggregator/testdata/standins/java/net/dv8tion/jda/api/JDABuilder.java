package net.dv8tion.jda.api;

import net.dv8tion.jda.api.events.session.ReadyEvent;
import net.dv8tion.jda.api.hooks.ListenerAdapter;

// Builds a bot of one shard that is ready at once.
public class JDABuilder {
    private ListenerAdapter listener;

    public static JDABuilder createLight(String token) {
        if (token == null || token.isEmpty()) {
            throw new IllegalArgumentException("no token");
        }
        return new JDABuilder();
    }

    public JDABuilder addEventListeners(ListenerAdapter listener) {
        this.listener = listener;
        return this;
    }

    public JDA build() {
        JDA jda = new JDA(2);
        listener.onReady(new ReadyEvent(jda));
        return jda;
    }
}
