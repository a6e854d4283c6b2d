/* SPDX-License-Identifier: Apache-2.0 */
/* What the drivers that tests/sbe/driver.c makes of schemas share: values by chance or counted, and
 * what must hold of every message. */
#ifndef TESTS_SBE_DRIVER_H
#define TESTS_SBE_DRIVER_H

#include <stdio.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>

#include <mycelium/sbe.h>

/* Values in the order in which they are written: the reader draws the same again. */
struct draw {
	uint64_t state;
	bool counted; /* 1, 2, 3, ...: messages whose bytes a person can check */
};

static inline uint64_t draw(struct draw *d)
{
	if (d->counted)
		return ++d->state;
	d->state ^= d->state >> 12;
	d->state ^= d->state << 25;
	d->state ^= d->state >> 27;
	return d->state * 0x2545f4914f6cdd1dull;
}

static inline uint64_t draw_up_to(struct draw *d, uint64_t least, uint64_t most)
{
	uint64_t room = most - least < 3 ? most - least : 3;

	if (d->counted)
		return least + (room < 2 ? room : 2);
	return least + draw(d) % (room + 1);
}

static inline float draw_float(struct draw *d)
{
	uint64_t bits = draw(d);

	return d->counted ? (float)bits : myc_sbe_float((uint32_t)bits);
}

static inline double draw_double(struct draw *d)
{
	uint64_t bits = draw(d);

	return d->counted ? (double)bits : myc_sbe_double(bits);
}

#define FAIL(...)                                               \
	do {                                                    \
		fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
		fprintf(stderr, __VA_ARGS__);                   \
		fputc('\n', stderr);                            \
		exit(1);                                        \
	} while (0)
#define MUST(condition, what)                                     \
	do {                                                      \
		if (!(condition))                                 \
			FAIL("%s: not so: %s", what, #condition); \
	} while (0)

#define ROOM 65536u

/* What a driver has of each message. */
struct subject {
	const char *name;
	uint32_t version; /* of the schema */
	uint32_t since;
	uint32_t body; /* header length */
	size_t (*fill)(uint8_t *to, size_t size, uint32_t version, struct draw *d);
	void (*verify)(const uint8_t *data, size_t size, uint32_t version, struct draw *d);
	/* Opens (bounded or not), reads everything, fills the memory with filler and reads again, as
	 * when another process writes it; the error of open. */
	int (*read)(uint8_t *data, size_t size, bool bounded, int filler);
	void (*again)(const uint8_t *data, size_t size); /* struct form, equality */
};

/* Memory of size bytes and not one more, as malloc's is under AddressSanitizer, at a fraction of the time. */
static uint8_t exact_room[64 + ROOM + 64] __attribute__((aligned(8)));

static inline uint8_t *exact_take(size_t size)
{
	__asan_unpoison_memory_region(exact_room, sizeof(exact_room));
	__asan_poison_memory_region(exact_room, 64);
	__asan_poison_memory_region(exact_room + 64 + size, sizeof(exact_room) - 64 - size);
	return exact_room + 64;
}

static inline void try_all(const struct subject *s, const uint8_t *data, size_t size, bool wrong)
{
	uint8_t *exact = exact_take(size);

	for (int bounded = 0; bounded < 2; bounded++) {
		if (size)
			memcpy(exact, data, size);
		int error =
			s->read(exact, size, bounded, size % 3 == 0 ? 255 : (int)(size % 3) - 1);
		if (wrong && !bounded)
			MUST(error, s->name);
	}
}

/* The version to play after v. A schema of 65,536 versions is played where something can differ: at both ends. */
static inline uint32_t next_version(const struct subject *s, uint32_t v)
{
	if (s->version - s->since > 64 && v == s->version - 8)
		return s->since + 32;
	return v > s->since ? v - 1 : UINT32_MAX;
}

static inline void play(const struct subject *s, uint64_t seed)
{
	static uint8_t message[ROOM], broken[ROOM];

	for (uint32_t v = s->version; v != UINT32_MAX; v = next_version(s, v)) {
		struct draw write = {seed, false}, read = write;

		memset(message, 0xa5, sizeof(message));
		size_t size = s->fill(message, sizeof(message), v, &write);
		if (!size)
			FAIL("%s: seed %llu, version %u: not encoded", s->name,
			     (unsigned long long)seed, v);
		s->verify(message, size, v, &read);
		MUST(read.state == write.state, s->name);
		if (v == s->version)
			s->again(message, size);
		/* one byte too few for the writer */
		read = (struct draw){seed, false};
		memset(broken, 0, sizeof(broken));
		MUST(s->fill(broken, size - 1, v, &read) == 0, s->name);
		/* cut at every byte */
		for (size_t cut = 0; cut<size; cut += size> 2000 ? 7 : 1)
			try_all(s, message, cut, true);
		/* and with bytes that are wrong */
		for (int i = 0; i < 60; i++) {
			memcpy(broken, message, size);
			for (int j = 0; j < 1 + i % 3; j++)
				broken[draw(&write) % size] =
					(uint8_t)(draw(&write) % 3 ? draw(&write) : 255);
			try_all(s, broken, size, false);
		}
	}
}

/* NAME hex: the counted message of the newest version. */
static inline void golden(const struct subject *s)
{
	static uint8_t message[ROOM];
	struct draw d = {0, true};
	size_t size = s->fill(message, sizeof(message), s->version, &d);

	MUST(size, s->name);
	printf("%s ", s->name);
	for (size_t i = 0; i < size; i++)
		printf("%02x", message[i]);
	printf("\n");
}

static inline int drive(const struct subject *subjects, size_t n, int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 20;

	for (size_t i = 0; i < n; i++) {
		golden(&subjects[i]);
		for (uint64_t seed = 1; seed <= seeds; seed++)
			play(&subjects[i], seed * 0x9e3779b97f4a7c15ull | 1);
	}
	return 0;
}

#endif
