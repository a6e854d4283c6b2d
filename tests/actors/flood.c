/* SPDX-License-Identifier: Apache-2.0 */
/* Thirty messages at once to an actor with room for two, which has a rule for each ten of them. */
#include <mycelium/mycelium.h>

enum { NEWEST = 1, OLDEST, KEYED };

static int started(struct myc_actor *self)
{
	static const uint32_t key = 5;
	struct myc_ref to;
	int code = myc_lookup(self, "narrow", &to);

	for (uint16_t type = NEWEST; !code && type <= KEYED; type++)
		for (int i = 0; !code && i < 10; i++)
			code = myc_send(self, &to, type, &key, sizeof(key));
	return code;
}

static int message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	return 0;
}

static const struct myc_overflow rules[] = {
	{.first = NEWEST, .last = NEWEST, .policy = MYC_OVERFLOW_DROP_NEWEST, .keep = 1},
	{.first = OLDEST, .last = OLDEST, .policy = MYC_OVERFLOW_DROP_OLDEST, .keep = 1},
	{.first = KEYED, .last = KEYED, .policy = MYC_OVERFLOW_CONFLATE, .key_size = 4},
};

const struct myc_behaviour myc_behaviour_flood = {.name = "flood", .started = started};
const struct myc_behaviour myc_behaviour_narrow = {.name = "narrow",
						   .message = message,
						   .mailbox_capacity = 2,
						   .capacity_per_sender = 2,
						   .overflow = rules,
						   .overflow_count = 3};
