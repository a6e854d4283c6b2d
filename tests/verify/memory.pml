/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the models share: memory with a store buffer for each of two processors (0 and 1).
 *
 *	ST(p, loc, v)   a relaxed store: into p's buffer
 *	STR(p, loc, v)  a release store: leaves the buffer after all that p stored before
 *	LD(p, loc, to)  a load: the newest value in p's own buffer, else memory. Loads happen in program
 *	                order: a missing acquire is played by a mutant that loads earlier
 *	FENCE(p)        sequentially consistent: waits until p's buffer is empty
 *
 * The buffer drains at any time: in order (x86's TSO), or with -DPSO in any order that keeps each
 * location's own order and release stores behind their elders (what arm64 may do to stores).
 * A killed process' buffer drains before its successor runs: the kernel has buried it by then.
 */
#ifndef DEPTH
#define DEPTH 4 /* stores a buffer holds */
#endif

byte mem[LOCS];
typedef entry {
	byte loc;
	byte val;
	bool rel
};
typedef buffer {
	entry e[DEPTH];
	byte n
};
buffer buf[2];

#define PUT(p, l, v, r)                                  \
	atomic {                                         \
		buf[p].n < DEPTH;                        \
		buf[p].e[buf[p].n].loc = l;              \
		buf[p].e[buf[p].n].val = v;              \
		buf[p].e[buf[p].n].rel = r;              \
		buf[p].n++                               \
	}
#define ST(p, l, v)  PUT(p, l, v, false)
#define STR(p, l, v) PUT(p, l, v, true)
#define FENCE(p)     (buf[p].n == 0)

#define LD(p, l, to)                                                           \
	d_step {                                                               \
		to = mem[l];                                                   \
		k_ = 0;                                                        \
		do                                                             \
		:: k_ < buf[p].n ->                                            \
			if                                                     \
			:: buf[p].e[k_].loc == l -> to = buf[p].e[k_].val      \
			:: else                                                \
			fi;                                                    \
			k_++                                                   \
		:: else -> break                                               \
		od;                                                            \
		k_ = 0                                                         \
	}

/* Entry i leaves the buffer of p. */
inline leave(p, i)
{
	mem[buf[p].e[i].loc] = buf[p].e[i].val;
	j_ = i;
	do
	:: j_ + 1 < buf[p].n ->
		buf[p].e[j_].loc = buf[p].e[j_ + 1].loc;
		buf[p].e[j_].val = buf[p].e[j_ + 1].val;
		buf[p].e[j_].rel = buf[p].e[j_ + 1].rel;
		j_++
	:: else -> break
	od;
	buf[p].n--;
	buf[p].e[buf[p].n].loc = 0;
	buf[p].e[buf[p].n].val = 0;
	buf[p].e[buf[p].n].rel = 0;
	j_ = 0
}

proctype drain(byte p)
{
	byte j_ = 0;

end:
	do
	:: atomic { buf[p].n > 0 -> leave(p, 0) }
#ifdef PSO
	:: atomic {
		buf[p].n > 1 && !buf[p].e[1].rel && buf[p].e[1].loc != buf[p].e[0].loc -> leave(p, 1)
	   }
	:: atomic {
		buf[p].n > 2 && !buf[p].e[2].rel && buf[p].e[2].loc != buf[p].e[0].loc &&
		buf[p].e[2].loc != buf[p].e[1].loc -> leave(p, 2)
	   }
	:: atomic {
		buf[p].n > 3 && !buf[p].e[3].rel && buf[p].e[3].loc != buf[p].e[0].loc &&
		buf[p].e[3].loc != buf[p].e[1].loc && buf[p].e[3].loc != buf[p].e[2].loc -> leave(p, 3)
	   }
#endif
	od
}
