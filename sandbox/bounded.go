package sandbox

// bounded is a map that forgets its oldest key for a new one when it is full.
type bounded[K comparable, V any] struct {
	most   int
	values map[K]V
	keys   []K // in a ring once full
	oldest int
}

func newBounded[K comparable, V any](most int) bounded[K, V] {
	return bounded[K, V]{most: most, values: map[K]V{}}
}

func (b *bounded[K, V]) get(key K) (V, bool) {
	v, ok := b.values[key]
	return v, ok
}

func (b *bounded[K, V]) set(key K, v V) {
	if _, known := b.values[key]; !known {
		if len(b.keys) < b.most {
			b.keys = append(b.keys, key)
		} else {
			delete(b.values, b.keys[b.oldest])
			b.keys[b.oldest] = key
			b.oldest = (b.oldest + 1) % b.most
		}
	}
	b.values[key] = v
}
