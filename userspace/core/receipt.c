/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts (mycelium/receipt.h): asks that the receiver's executor answers, when it has taken the message. */
#include <mycelium/receipt.h>

#include <errno.h>

#include "core/ask.h"
#include "core/receiver.h"

int myc_send_receipt(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		     size_t size, uint64_t timeout_ns, uint64_t cookie, struct myc_ask *ask)
{
	if (size > MYC_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (type >= MYC_TYPE_FRAMEWORK)
		return -EINVAL;
	if (self->executor->asks.closed)
		return -ESHUTDOWN;
	struct myc_ask_entry *entry = myc_ask_begin(self, to, timeout_ns, cookie, ask);

	if (!entry)
		return -ENOSPC;
	entry->is_receipt = true;
	int code = myc_send_asking(self, to, myc_slot_kind(type, (uint8_t)size, MYC_SLOT_RECEIPT),
				   entry->id, payload, size);

	if (code)
		myc_ask_free(self->executor, entry);
	return code;
}

int myc_post_receipt(struct myc_system *system, myc_address to, uint16_t type, const void *payload,
		     size_t size, uint64_t timeout_ns)
{
	return myc_call_message(system, to, type, MYC_SLOT_RECEIPT, payload, size, NULL,
				timeout_ns);
}

void myc_receipt_give(struct myc_executor *executor, myc_address from, struct myc_slot *slot)
{
	const struct myc_reply_to to = {.asker = from,
					.correlation = slot->correlation & MYC_ASK_ID};

	/* No room for the signal: its timeout tells. */
	if (slot->correlation)
		(void)myc_reply_status(executor, &to, 0);
	slot->flags &= (uint8_t)~MYC_SLOT_RECEIPT;
	slot->correlation = 0;
}
