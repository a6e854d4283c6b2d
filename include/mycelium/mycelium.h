/* SPDX-License-Identifier: Apache-2.0 */
/* Mycelium: actors in C for trading on Linux. This header is all that an actor needs. */
#ifndef MYCELIUM_H
#define MYCELIUM_H

#include <mycelium/actor.h>
#include <mycelium/address.h>
#include <mycelium/ask.h>
#include <mycelium/become.h>
#include <mycelium/body.h>
#include <mycelium/breaker.h>
#include <mycelium/cycle.h>
#include <mycelium/error.h>
#include <mycelium/feed.h>
#include <mycelium/frame.h>
#include <mycelium/group.h>
#include <mycelium/letter.h>
#include <mycelium/link.h>
#include <mycelium/outside.h>
#include <mycelium/mailbox.h>
#include <mycelium/receipt.h>
#include <mycelium/recipient.h>
#include <mycelium/registry.h>
#include <mycelium/schema.h>
#include <mycelium/shutdown.h>
#include <mycelium/state.h>
#include <mycelium/strong.h>
#include <mycelium/system.h>
#include <mycelium/topic.h>
#include <mycelium/typed.h>
#include <mycelium/workers.h>

#endif
