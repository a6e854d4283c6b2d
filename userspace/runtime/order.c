/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/order.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mycelium/link.h>
#include <mycelium/shutdown.h>
#include <mycelium/strong.h>

#include "memory/order.h"

#define STATE_NS 1000000000u /* for an executor to come to it */
#define MOVE_NS	 1500000000u /* for an actor to go */
#define CODE_MIN (-4095)     /* the last -errno */

int myc_order_plan_supervisor(struct myc_region_plan *plan, uint32_t processes)
{
	int err = 0;

	for (uint32_t p = 0; p < processes && !err; p++)
		err = myc_region_plan_add(plan, MYC_BLOCK_ORDER, p, sizeof(struct myc_order));
	return err;
}

int myc_order_plan_worker(struct myc_region_plan *plan)
{
	return myc_region_plan_add(plan, MYC_BLOCK_ORDER, 0, sizeof(struct myc_order_result));
}

static void *block(const struct myc_region *region, uint32_t index, uint64_t size)
{
	uint64_t has = 0;
	void *found = myc_region_block(region, MYC_BLOCK_ORDER, index, &has);

	return found && has >= size ? found : NULL;
}

/* ---- the supervisor ---------------------------------------------------------------------------- */

uint64_t myc_order_give(const struct myc_view *view, uint32_t process,
			const struct myc_order *given)
{
	struct myc_order *order =
		block(&view->region[view->processes], process, sizeof(struct myc_order));

	if (!order)
		return 0;
	uint64_t number = order->number + 1;

	memcpy((char *)order + sizeof(number), (const char *)given + sizeof(number),
	       sizeof(*given) - sizeof(number));
	__atomic_store_n(&order->number, number, __ATOMIC_RELEASE);
	return number;
}

bool myc_order_result(const struct myc_view *view, uint32_t process, uint64_t number,
		      struct myc_order_result *result)
{
	const struct myc_order_result *shared =
		block(&view->region[process], 0, sizeof(struct myc_order_result));

	if (!shared || __atomic_load_n(&shared->number, __ATOMIC_ACQUIRE) != number)
		return false;
	memcpy(result, shared, sizeof(*result));
	myc_order_copied(result);
	if (result->size > MYC_STATE_MAX)
		result->size = MYC_STATE_MAX;
	if (result->code > 0 || result->code < CODE_MIN)
		result->code = MYC_ORDER_NO_CODE;
	return true;
}

void myc_order_text(const struct myc_order_result *result, char text[MYC_ORDER_TEXT_MAX])
{
	uint32_t size = 0;

	for (; size < result->size && size < MYC_ORDER_TEXT_MAX - 1 && result->bytes[size];
	     size++) {
		uint8_t byte = result->bytes[size];

		text[size] = byte < 0x20 || byte > 0x7e ? '?' : (char)byte;
	}
	text[size] = '\0';
}

/* ---- the worker -------------------------------------------------------------------------------- */

static int end_phase(struct myc_system *system, uint32_t phase, struct myc_order_result *result)
{
	static const char *const texts[] = {
		[MYC_SHUTDOWN_KILLED] = "was killed",
		[MYC_SHUTDOWN_STUCK] = "is stuck in a handler",
		[MYC_SHUTDOWN_LATE] = "was late",
		[MYC_SHUTDOWN_FAILED] = "failed",
	};
	struct myc_shutdown shutdown = {0};
	int code = myc_phase_stop(system, phase, &shutdown);
	size_t at = 0;

	for (uint32_t i = 0; i < shutdown.notes; i++) {
		const struct myc_shutdown_note *note = &shutdown.note[i];
		int size = snprintf((char *)result->bytes + at, sizeof(result->bytes) - at,
				    "%s%s (%#llx) %s", i ? ", " : "", note->name,
				    (unsigned long long)note->actor, texts[note->what]);

		at += size > 0 ? (size_t)size : 0;
	}
	result->size = (uint32_t)at;
	return code;
}

static int move(const struct myc_order *order, struct myc_system *system,
		struct myc_order_result *result)
{
	struct myc_error error = {0};
	int code = myc_move(system, order->actor, order->executor, MOVE_NS, &error);
	int size =
		code ? myc_error_format(&error, (char *)result->bytes, sizeof(result->bytes)) : 0;

	result->size = size > 0 ? (uint32_t)size : 0;
	return code;
}

static int holders(const struct myc_order *order, struct myc_system *system,
		   struct myc_order_result *result)
{
	myc_address holder[MYC_ORDER_HOLDERS_MAX];
	uint32_t references;
	int code = myc_strong_holders(system, order->actor, holder, MYC_ORDER_HOLDERS_MAX,
				      &references, STATE_NS);
	uint32_t known = code				      ? 0
			 : references < MYC_ORDER_HOLDERS_MAX ? references
							      : MYC_ORDER_HOLDERS_MAX;

	memcpy(result->bytes, holder, known * sizeof(*holder));
	result->size = known * (uint32_t)sizeof(*holder);
	result->version = code ? 0 : references;
	return code;
}

static int carry_out(const struct myc_order *order, struct myc_system *system,
		     struct myc_order_result *result)
{
	struct myc_state_info info = {0};
	int code;

	switch (order->what) {
	case MYC_ORDER_SUSPEND:
		return myc_actor_suspend(system, order->actor);
	case MYC_ORDER_RESUME:
		return myc_actor_resume(system, order->actor);
	case MYC_ORDER_STATE:
		code = myc_state_read(system, order->actor, result->bytes, sizeof(result->bytes),
				      &info, STATE_NS);
		result->size = code ? 0 : info.size;
		result->version = info.version;
		return code;
	case MYC_ORDER_REPLACE:
		return order->size > MYC_ORDER_STATE_MAX
			       ? -EMSGSIZE
			       : myc_state_replace(system, order->actor, order->bytes, order->size,
						   order->version, STATE_NS);
	case MYC_ORDER_PHASE:
		return end_phase(system, order->phase, result);
	case MYC_ORDER_MOVE:
		return move(order, system, result);
	case MYC_ORDER_HOLDERS:
		return holders(order, system, result);
	default:
		return -ENOSYS;
	}
}

bool myc_order_look(const struct myc_view *view, uint32_t process, uint64_t incarnation,
		    struct myc_system *system)
{
	const struct myc_order *shared =
		block(&view->region[view->processes], process, sizeof(struct myc_order));
	struct myc_order_result *result =
		block(&view->region[process], 0, sizeof(struct myc_order_result));
	uint64_t number = shared ? __atomic_load_n(&shared->number, __ATOMIC_ACQUIRE) : 0;
	struct myc_order order;

	if (!result || !number || result->number == number)
		return false;
	memcpy(&order, shared, sizeof(order));
	myc_order_copied(&order);
	/* A predecessor's, or one that is being written over. */
	if (order.incarnation != incarnation ||
	    __atomic_load_n(&shared->number, __ATOMIC_ACQUIRE) != number)
		return false;
	result->size = result->version = 0;
	int code = carry_out(&order, system, result);

	/* The lane was new: its executor looks now. */
	while (code == -EAGAIN &&
	       (order.what == MYC_ORDER_SUSPEND || order.what == MYC_ORDER_RESUME)) {
		(void)myc_actor_wait(system, order.actor, 1000000);
		code = carry_out(&order, system, result);
	}
	result->code = code;
	__atomic_store_n(&result->number, number, __ATOMIC_RELEASE);
	return true;
}
