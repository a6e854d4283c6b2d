/* SPDX-License-Identifier: Apache-2.0 */
/* speaker.c with a field at another place. */
#define MISSPEAKER
#include "actors/speaker.c" /* NOLINT(bugprone-suspicious-include) */
