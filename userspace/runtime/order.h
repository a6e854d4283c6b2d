/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders: what the supervisor has a running worker do, on the worker's main thread, one at a time.
 *
 *	supervisor                              worker
 *	order in its region, number (release)
 *	MYC_ORDER_SIGNAL ---------------------> looks (acquire), copies, checks, does it
 *	reads, checks <--- notify_fd ---------- result in its own region, number (release)
 *
 * An order is for one incarnation. A worker that is killed has done it or not; the supervisor sees the
 * death. A successor of the supervisor goes on from the number that is there, and awaits no result.
 */
#ifndef MYC_RUNTIME_ORDER_H
#define MYC_RUNTIME_ORDER_H

#include <signal.h>

#include <mycelium/state.h>

#include "base/text.h"
#include "runtime/view.h"

#define MYC_ORDER_SIGNAL      (SIGRTMIN + 1)
#define MYC_ORDER_STATE_MAX   4096 /* bytes of a state that comes by an order */
#define MYC_ORDER_HOLDERS_MAX 256
#define MYC_ORDER_TEXT_MAX    1024
#define MYC_ORDER_NO_CODE     1 /* in a copy, instead of a code that none can be */

enum myc_order_what {
	MYC_ORDER_SUSPEND = 1,
	MYC_ORDER_RESUME = 2,
	MYC_ORDER_STATE = 3,   /* tell an actor's state: the result's bytes */
	MYC_ORDER_REPLACE = 4, /* the order's bytes become it */
	MYC_ORDER_PHASE =
		5, /* end one phase (mycelium/shutdown.h): the result's bytes say who was late */
	MYC_ORDER_MOVE = 6, /* to another executor: the result's bytes say why it stays */
	MYC_ORDER_HOLDERS =
		7, /* who holds it: addresses, one a reference; version: references in all */
};

/* MYC_BLOCK_ORDER of the supervisor's region, index = process. Writer: the supervisor. */
struct myc_order {
	uint64_t number;
	uint64_t incarnation; /* whose it is to do */
	uint64_t actor;	      /* address */
	uint32_t what, phase;
	uint32_t size, version; /* of the bytes: REPLACE */
	uint32_t executor;	/* MOVE */
	uint32_t reserved;
	uint8_t bytes[MYC_ORDER_STATE_MAX];
};

/* MYC_BLOCK_ORDER of the worker's region, index 0. Writer: the worker. */
struct myc_order_result {
	uint64_t number; /* of the order */
	int32_t code;	 /* 0, -errno */
	uint32_t size, version;
	uint32_t reserved;
	uint8_t bytes[MYC_STATE_MAX];
};

int myc_order_plan_supervisor(struct myc_region_plan *plan, uint32_t processes);
int myc_order_plan_worker(struct myc_region_plan *plan);

/* The supervisor's: gives the order, without the signal; its number. 0: there is no place for it. */
uint64_t myc_order_give(const struct myc_view *view, uint32_t process,
			const struct myc_order *order);
/* Its result, when it is there: a copy, its code and size checked. */
bool myc_order_result(const struct myc_view *view, uint32_t process, uint64_t number,
		      struct myc_order_result *result);
/* Bytes of a copy that are words: up to a zero, what cannot be printed as '?'. */
void myc_order_text(const struct myc_order_result *result, char text[MYC_ORDER_TEXT_MAX]);

/* The worker's: looks whether there is an order for it that it has not done, and does it. True: it did. */
bool myc_order_look(const struct myc_view *view, uint32_t process, uint64_t incarnation,
		    struct myc_system *system);

#endif
