// A bot with JDA that posts its server count every half hour.
//
//   DISCORD_TOKEN=… TOPGG_TOKEN=… java -cp JDA-withDependencies.jar Bot.java
//
// A bot that has a key in bots.yaml sets MYBOT_KEY, and needs no list tokens.

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

import net.dv8tion.jda.api.JDA;
import net.dv8tion.jda.api.JDABuilder;
import net.dv8tion.jda.api.events.session.ReadyEvent;
import net.dv8tion.jda.api.hooks.ListenerAdapter;
import net.dv8tion.jda.api.utils.data.DataObject;

public class Bot extends ListenerAdapter {
    private static final String URL = System.getenv().getOrDefault("BOTLISTS_URL", "http://localhost:8080");
    private static final String KEY = System.getenv("MYBOT_KEY");

    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();

    public static void main(String[] args) {
        JDABuilder.createLight(System.getenv("DISCORD_TOKEN")).addEventListeners(new Bot()).build();
    }

    @Override
    public void onReady(ReadyEvent event) {
        Executors.newSingleThreadScheduledExecutor()
            .scheduleAtFixedRate(() -> postCount(event.getJDA()), 0, 30, TimeUnit.MINUTES);
    }

    private void postCount(JDA jda) {
        DataObject tokens = DataObject.empty()
            .put("top.gg", System.getenv("TOPGG_TOKEN"))
            .put("discord.bots.gg", System.getenv("DBGG_TOKEN"));
        DataObject count = DataObject.empty()
            .put("bot_id", jda.getSelfUser().getId())
            .put("server_count", jda.getGuildCache().size())
            .put("tokens", tokens);
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(URL + "/api/count"))
            .timeout(Duration.ofSeconds(30))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(count.toString()));
        if (KEY != null) {
            request.header("Authorization", "Bearer " + KEY);
        }
        try {
            HttpResponse<String> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            System.out.println(answer.statusCode() + " " + answer.body());
        } catch (Exception e) { // one that is thrown would end the schedule
            System.err.println("not posted: " + e);
        }
    }
}
