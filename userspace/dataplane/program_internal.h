/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the program loader share: the opened program and its pins.
 *
 *	<bpffs>/mycelium/           flock()ed by whoever loads, replaces, unloads or cleans up
 *	    NAME/                   complete: made as _NAME, then renamed
 *	        link                while attached
 *	        exit_watch          the exit watch's link, while a holder has it or died with it
 *	        program, bindings, channels, symbols          of the present load
 *	        registry ... xsks, receipt                    state, from the first load on
 *	        new/                a replacement being made; committed by the link's update
 *	        commit/             a replacement that is in force, its pins being moved up
 *	    _NAME/                  being made or being removed: worth nothing
 *
 * Pins are moved one by one, `program` last, so commit/ is complete again by moving what is left.
 */
#ifndef MYC_DATAPLANE_PROGRAM_INTERNAL_H
#define MYC_DATAPLANE_PROGRAM_INTERNAL_H

#include <stdbool.h>

#include "dataplane/program.h"

#define MYC_PIN_PATH_MAX 256

enum myc_program_map {
	/* configuration: new with every load */
	MYC_MAP_BINDINGS,
	MYC_MAP_CHANNELS,
	MYC_MAP_SYMBOLS,
	MYC_MAP_SBE,
	/* state: as old as the pin directory */
	MYC_MAP_REGISTRY,
	MYC_MAP_PROCESSES,
	MYC_MAP_SYSTEM,
	MYC_MAP_PAGES,
	MYC_MAP_STATE,
	MYC_MAP_WINDOW,
	MYC_MAP_LOCATE,
	MYC_MAP_COUNTERS,
	MYC_MAP_XSKS,
	/* not the program's: struct myc_program_receipt */
	MYC_MAP_RECEIPT,
	MYC_MAPS_COUNT,
};
#define MYC_MAPS_CONFIGURATION (MYC_MAP_SBE + 1)

/* Names of the maps in the object and of their pins. */
extern const char *const myc_program_map_name[MYC_MAPS_COUNT];

/* What a later process wants to know about this load and attach; value of the map `receipt`. */
struct myc_program_receipt {
	char interface[16];
	uint32_t mode;	   /* enum myc_attach_mode that was asked for */
	uint32_t sharing;  /* enum myc_sharing, got (or to be got) */
	uint32_t priority; /* as asked for */
	uint32_t with_vlan;
	char text[256];
};

/* Descriptors of one load; -1 = none. */
struct myc_program_object {
	int program;
	int map[MYC_MAPS_COUNT];
};

struct myc_program {
	char name[MYC_PROGRAM_NAME_MAX + 1];
	char root[MYC_PIN_PATH_MAX]; /* <bpffs>/mycelium */
	struct myc_program_receipt receipt;
	struct myc_program_object object;
	int link;		      /* -1 = not attached */
	int page[MYC_PROCESSES_MAX];  /* the process pages' own maps */
	struct myc_program_maps maps; /* the creator's mappings; channels 0 = not yet mapped */
};

struct bpf_link_info;

/* ---- program.c ------------------------------------------------------------------------------- */

int myc_link_info(int link, struct bpf_link_info *info);
/* Our program's id in the interface's dispatcher, 0 = it is in none. */
uint32_t myc_program_dispatched(const struct myc_program *program, enum myc_attach_mode *mode);

/* ---- program_pins.c -------------------------------------------------------------------------- */

/* Checks the name, mounts the bpffs when it is not, writes "<bpffs>/mycelium" to root. */
int myc_pins_root(const struct myc_program_opts *opts, char root[MYC_PIN_PATH_MAX],
		  struct myc_error *error);
/* Makes root when it is not there and takes its lock: a descriptor to close, or -errno. */
int myc_pins_lock(const char *root, struct myc_error *error);
/* Removes root when it is empty, and gives the lock back. */
void myc_pins_unlock(const char *root, int lock);
/* "<root>/<stage><name>[/<leaf>]"; stage "" or "_". Never truncates: names are checked. */
void myc_pins_path(char out[MYC_PIN_PATH_MAX], const char *root, const char *stage,
		   const char *name, const char *leaf);
/* Removes a directory of pins with all below it. 0 also when it is not there. */
int myc_pins_remove(const char *path, struct myc_error *error);
/* Pins the maps from..to-1 and then the program into the directory, which is made. */
int myc_pins_put(const char *dir, const struct myc_program_object *object, unsigned from,
		 unsigned to, struct myc_error *error);
/* Opens what myc_pins_put pinned. */
int myc_pins_get(const char *dir, struct myc_program_object *object, struct myc_error *error);
/* Moves every pin of `from` up into `to`, `program` last, and removes `from`. */
int myc_pins_move(const char *from, const char *to, struct myc_error *error);

/* ---- program_object.c ------------------------------------------------------------------------ */

struct bpf_object_open_opts;

/* Calls `load`, which opens an object with the options and loads it: 0 or -errno; again after -EAGAIN (it closes what
 * it opened before). What libbpf and the verifier say of a failure becomes the error instead of being printed. */
int myc_load_explained(int (*load)(void *context, const struct bpf_object_open_opts *opts),
		       void *context, struct myc_error *error);
/* Loads the program with fresh configuration maps. State maps are made when object->map[] has
 * none (-1), else used. On success all descriptors are in *object. */
int myc_object_load(struct myc_program_object *object, const struct myc_steer_config *config,
		    struct myc_error *error);
void myc_object_init(struct myc_program_object *object);
/* Closes the maps from..to-1 and the program. */
void myc_object_close(struct myc_program_object *object, unsigned from, unsigned to);
/* Rows of a map, 0 when it cannot be asked. */
uint32_t myc_map_rows(int map);

/* A second instance of a loaded program over the same maps, open and not loaded. */
struct myc_object_again {
	struct steer_bpf *skel;
	struct bpf_object *object;
};
int myc_object_open_again(struct myc_object_again *again, const struct myc_program_object *object,
			  bool with_vlan);
void myc_object_close_again(struct myc_object_again *again);
bool myc_config_with_vlan(const struct myc_steer_config *config);

/* ---- program_dispatcher.c -------------------------------------------------------------------- */

/* Puts an instance over the object's maps into the interface's dispatcher, which libxdp makes when
 * there is none. Writes the receipt's text. */
int myc_dispatcher_attach(struct myc_program *program, int interface,
			  const struct myc_program_object *object, struct myc_error *error);
/* Takes every dispatched program that uses `map` out, except the one of id `but` (0 = none). */
int myc_dispatcher_detach(int interface, int map, uint32_t but, struct myc_error *error);
/* The id of a dispatched program that uses `map`, 0 = none. */
uint32_t myc_dispatcher_find(int interface, int map, enum myc_attach_mode *mode);
/* Is there a dispatcher on the interface? */
bool myc_dispatcher_there(int interface);

/* ---- program_attach.c ------------------------------------------------------------------------ */

/* The interface must exist in the caller's network namespace: its index or -errno. */
int myc_attach_interface(const char *interface, struct myc_error *error);
/* Tries the ladder of program->receipt.mode; a link's descriptor, or -errno. Writes the receipt's
 * text. -EXDEV: it is in the dispatcher, without a link of ours. */
int myc_attach_link(struct myc_program *program, struct myc_error *error);

/* ---- program_maps.c -------------------------------------------------------------------------- */

int myc_maps_open_pages(struct myc_program *program, struct myc_error *error);
int myc_maps_create(struct myc_program *program, struct myc_error *error);

#endif
