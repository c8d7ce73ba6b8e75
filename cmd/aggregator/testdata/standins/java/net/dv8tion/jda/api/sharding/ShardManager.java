package net.dv8tion.jda.api.sharding;

import java.util.ArrayList;
import java.util.List;

import net.dv8tion.jda.api.JDA;

// Has the shards of STAND_IN_SHARDS.
public class ShardManager {
    public List<JDA> getShardCache() {
        List<JDA> all = new ArrayList<>();
        for (String id : System.getenv("STAND_IN_SHARDS").split(",")) {
            all.add(new JDA(Integer.parseInt(id)));
        }
        return all;
    }
}
