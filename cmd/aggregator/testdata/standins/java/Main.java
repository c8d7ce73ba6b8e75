import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

import net.dv8tion.jda.api.sharding.ShardManager;

// Has one report made, and waits for its answer.
class Main {
    public static void main(String[] args) throws InterruptedException {
        ShardManager manager = new ShardManager();
        // HERE
        Thread.sleep(60_000);
    }
}
