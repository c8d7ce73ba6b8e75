package net.dv8tion.jda.api;

import java.util.Collections;
import java.util.List;

// Stands for JDA, as far as the documentation uses it. Shard n is in n+1 servers.
public class JDA {
    private final int shard;

    public JDA(int shard) {
        this.shard = shard;
    }

    public enum Status { CONNECTED }

    public record SelfUser(String getId) {}

    public record ShardInfo(int getShardId, int getShardTotal) {}

    public Status getStatus() {
        return Status.CONNECTED;
    }

    public SelfUser getSelfUser() {
        return new SelfUser("123456789012345678");
    }

    public ShardInfo getShardInfo() {
        return new ShardInfo(shard, 4);
    }

    public List<Integer> getGuildCache() {
        return Collections.nCopies(shard + 1, 0);
    }
}
