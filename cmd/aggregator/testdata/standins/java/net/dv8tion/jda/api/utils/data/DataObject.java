package net.dv8tion.jda.api.utils.data;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;

// A JSON object of texts, whole numbers and objects.
public class DataObject {
    private final Map<String, Object> members = new LinkedHashMap<>();

    public static DataObject empty() {
        return new DataObject();
    }

    public DataObject put(String key, Object value) {
        members.put(key, value);
        return this;
    }

    public Set<String> keys() {
        return members.keySet();
    }

    @Override
    public String toString() {
        StringJoiner all = new StringJoiner(",", "{", "}");
        members.forEach((key, value) -> all.add("\"" + key + "\":" + (value instanceof String ? "\"" + value + "\"" : value)));
        return all.toString();
    }
}
