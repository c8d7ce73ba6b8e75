package net.dv8tion.jda.api.events.session;

import net.dv8tion.jda.api.JDA;

public record ReadyEvent(JDA getJDA) {}
