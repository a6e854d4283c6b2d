/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intake: packets without XDP. A UDP socket or a capture file plays the kernel for one endpoint,
 * inside its worker: frames come off a FILL ring, the steering program's twin judges each packet,
 * what it redirects goes on an RX ring with the metadata in front. Rings and frames lie in the
 * worker's region, so the hand's rules hold here as they do for AF_XDP.
 *
 * What a kill -9 leaves: packets on the RX ring and in the hand stay; the FILL ring is made anew
 * from what is in neither. The file position moves with the RX ring (`pushed`), so that no packet
 * is delivered twice or skipped. Packets that were judged and not yet pushed, less than a batch, are
 * counted as `unpushed`: of a file they are judged again, those of a socket are lost.
 *
 * One thread: the endpoint's executor.
 */
#ifndef MYC_DATAPLANE_SOURCE_H
#define MYC_DATAPLANE_SOURCE_H

#include "dataplane/dataplane.h"
#include "dataplane/hand.h"

#define MYC_INTAKE_BATCH 64
#define MYC_INTAKE_HEAD	 64 /* bytes in front of what is read, for metadata */

/* MYC_BLOCK_SOURCE, index = endpoint. RX slots, FILL slots and frames follow. */
struct myc_intake_block {
	uint64_t position; /* FILE: packets of the file that are behind us */
	uint64_t position_next;
	uint64_t pushed; /* exchange with the RX ring that position_next belongs to */
	uint32_t rx_producer, rx_consumer, fill_producer, fill_consumer;
	uint64_t packets_oversize;  /* longer than a frame: not judged */
	uint64_t packets_unpushed;  /* redirected by workers that died before they pushed them */
	uint64_t packets_elsewhere; /* FILE: another endpoint's */
	int32_t error_code;	    /* FILE: why it ended early */
	uint32_t reserved;
	char error_cause[320];
};

/* MYC_BLOCK_STEER_STATE, index = endpoint: the twin's maps. */
struct myc_twin_block {
	uint32_t channels;
	uint32_t reserved;
	uint64_t own[MYC_CHANNELS_MAX / 64]; /* channels whose packets this endpoint takes */
	uint64_t reserved1[3];
	struct myc_counters counters[]; /* channels + 1; then state, windows, locate filters */
};
_Static_assert(sizeof(struct myc_twin_block) == 64, "layout");

struct myc_intake;

struct myc_intake_ops {
	/* Reads what is there, at most a batch. */
	void (*pump)(struct myc_intake *intake);
	bool (*ready)(struct myc_intake *intake);
	bool (*ended)(const struct myc_intake *intake);
	unsigned (*descriptors)(const struct myc_intake *intake, int *fds, unsigned max);
	void (*close)(struct myc_intake *intake);
};

struct myc_intake {
	const struct myc_intake_ops *ops;
	void *from; /* of ops */
	uint32_t endpoint;
	struct myc_intake_block *block;
	struct myc_twin_block *twin;
	struct myc_steer_tables tables;
	struct myc_hand_queue queue;
	/* The batch being read: frames peeked off FILL, and which of them go on. */
	uint32_t batch;
	uint64_t address[MYC_INTAKE_BATCH];
	uint32_t pushes;
	uint64_t push_set; /* bit i: frame i goes to RX */
};

int myc_intake_plan(struct myc_region_plan *plan, uint32_t endpoint, uint32_t frames,
		    uint32_t frame_size, uint32_t channels);
/* Finds the blocks and settles what a predecessor had begun. -EUCLEAN: they do not fit. */
int myc_intake_join(struct myc_intake *intake, const struct myc_region *region, uint32_t endpoint,
		    uint32_t frames, uint32_t frame_size, const struct myc_steer_config *config,
		    const struct myc_dataplane_tables *tables);
/* Makes the FILL ring: every frame that is neither on RX nor in the hand, which has recovered; and
 * counts what a predecessor has judged and not pushed. -ENOMEM, -EUCLEAN. */
int myc_intake_refill(struct myc_intake *intake, const struct myc_hand *hand);

/* begin: frames to read into (0 = none free); frame: the i-th one's room behind its head; push:
 * the i-th goes on, its payload `offset` bytes in; commit: `used` were read. */
uint32_t myc_intake_begin(struct myc_intake *intake, uint32_t max);
uint8_t *myc_intake_frame(const struct myc_intake *intake, uint32_t i);
void myc_intake_push(struct myc_intake *intake, uint32_t i, uint32_t offset, uint32_t size,
		     const struct myc_meta *meta);
void myc_intake_commit(struct myc_intake *intake, uint32_t used, uint64_t position);

static inline uint32_t myc_intake_room(const struct myc_intake *intake)
{
	return intake->queue.frame_size - MYC_INTAKE_HEAD;
}

/* Endpoint whose worker reads a channel: its owner's. */
uint16_t myc_intake_reader(const struct myc_steer_config *config, uint32_t channel,
			   const struct myc_registry_row *registry);

/* The two intakes. `socket` has a descriptor a binding, the holder's. */
int myc_source_udp_open(struct myc_intake *intake, const int *socket, bool wait,
			struct myc_error *error);
int myc_source_file_open(struct myc_intake *intake, const char *path, double speed,
			 struct myc_error *error);
/* Reads the whole file through: 0, or the first thing wrong with it. */
int myc_source_file_check(const char *path, struct myc_error *error);

#endif
