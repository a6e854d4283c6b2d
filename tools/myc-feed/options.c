/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-feed/options_draft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_GENERATE = 256,
	OPT_SYMBOLS,
	OPT_ITCH,
	OPT_PCAP,
	OPT_SELECT,
	OPT_FRAMES,
	OPT_PROTOCOL,
	OPT_SESSION,
	OPT_SESSION_CHANGE,
	OPT_RESTART,
	OPT_HEARTBEAT,
	OPT_END_PACKETS,
	OPT_LINE,
	OPT_PAYLOAD,
	OPT_PACKET_MESSAGES,
	OPT_PACK_US,
	OPT_REPACK,
	OPT_LOSS,
	OPT_DUPLICATE,
	OPT_REORDER,
	OPT_REORDER_WINDOW,
	OPT_SKEW,
	OPT_SPEED,
	OPT_RATE,
	OPT_FAST,
	OPT_MESSAGES,
	OPT_PACKETS,
	OPT_SECONDS,
	OPT_TIMEOUT,
	OPT_UDP,
	OPT_INTERFACE,
	OPT_RAW,
	OPT_WRITE,
	OPT_SOURCE,
	OPT_MAC,
	OPT_VLAN,
	OPT_TTL,
	OPT_SEED,
	OPT_REPORT,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"generate", no_argument, NULL, OPT_GENERATE},
	{"symbols", required_argument, NULL, OPT_SYMBOLS},
	{"itch", required_argument, NULL, OPT_ITCH},
	{"pcap", required_argument, NULL, OPT_PCAP},
	{"select", required_argument, NULL, OPT_SELECT},
	{"frames", no_argument, NULL, OPT_FRAMES},
	{"protocol", required_argument, NULL, OPT_PROTOCOL},
	{"session", required_argument, NULL, OPT_SESSION},
	{"session-change", required_argument, NULL, OPT_SESSION_CHANGE},
	{"restart", required_argument, NULL, OPT_RESTART},
	{"heartbeat", required_argument, NULL, OPT_HEARTBEAT},
	{"end-packets", required_argument, NULL, OPT_END_PACKETS},
	{"line", required_argument, NULL, OPT_LINE},
	{"payload", required_argument, NULL, OPT_PAYLOAD},
	{"packet-messages", required_argument, NULL, OPT_PACKET_MESSAGES},
	{"pack-us", required_argument, NULL, OPT_PACK_US},
	{"repack", required_argument, NULL, OPT_REPACK},
	{"loss", required_argument, NULL, OPT_LOSS},
	{"duplicate", required_argument, NULL, OPT_DUPLICATE},
	{"reorder", required_argument, NULL, OPT_REORDER},
	{"reorder-window", required_argument, NULL, OPT_REORDER_WINDOW},
	{"skew", required_argument, NULL, OPT_SKEW},
	{"speed", required_argument, NULL, OPT_SPEED},
	{"rate", required_argument, NULL, OPT_RATE},
	{"fast", no_argument, NULL, OPT_FAST},
	{"messages", required_argument, NULL, OPT_MESSAGES},
	{"packets", required_argument, NULL, OPT_PACKETS},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"udp", no_argument, NULL, OPT_UDP},
	{"interface", required_argument, NULL, OPT_INTERFACE},
	{"raw", required_argument, NULL, OPT_RAW},
	{"write", required_argument, NULL, OPT_WRITE},
	{"source", required_argument, NULL, OPT_SOURCE},
	{"mac", required_argument, NULL, OPT_MAC},
	{"vlan", required_argument, NULL, OPT_VLAN},
	{"ttl", required_argument, NULL, OPT_TTL},
	{"seed", required_argument, NULL, OPT_SEED},
	{"report", required_argument, NULL, OPT_REPORT},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{0},
};

static int refuse(const struct draft *draft, const char *value, const char *remedy)
{
	return myc_error_set(draft->error, -EINVAL, remedy, "--%s: '%s' is not possible",
			     draft->name, value);
}

static int whole(const struct draft *draft, const char *text, uint64_t least, uint64_t most,
		 uint64_t *value)
{
	char *end, remedy[80];

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (!errno && end != text && !*end && *text != '-' && *value >= least && *value <= most)
		return 0;
	snprintf(remedy, sizeof(remedy), "a whole number from %llu to %llu",
		 (unsigned long long)least, (unsigned long long)most);
	return refuse(draft, text, remedy);
}

static int number(const struct draft *draft, const char *text, double least, double most,
		  double *value)
{
	char *end, remedy[80];

	*value = strtod(text, &end);
	/* Written so that NaN is refused. */
	if (end != text && !*end && *value >= least && *value <= most)
		return 0;
	snprintf(remedy, sizeof(remedy), "a number from %g to %g", least, most);
	return refuse(draft, text, remedy);
}

/* "1" for all lines or "1,0.5" for each; missing ones are 0. */
static int for_lines(const struct draft *draft, const char *text, double most, double scale,
		     double values[FEED_LINES_MAX])
{
	char copy[128], *rest = copy, *part;
	uint32_t count = 0;

	if (strlen(text) >= sizeof(copy))
		return refuse(draft, text, "one number, or one for each line");
	snprintf(copy, sizeof(copy), "%s", text);
	while ((part = strsep(&rest, ","))) {
		if (count == FEED_LINES_MAX)
			return refuse(draft, text, "at most four lines");
		if (number(draft, part, 0, most, &values[count]))
			return -EINVAL;
		values[count++] *= scale;
	}
	for (uint32_t i = count; i < FEED_LINES_MAX; i++)
		values[i] = count == 1 ? values[0] : 0;
	return 0;
}

/* "239.77.1.1:26477". */
static int group_port(const struct draft *draft, const char *text, uint32_t *group, uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	char address[INET_ADDRSTRLEN];
	uint64_t value;

	if (!colon || (size_t)(colon - text) >= sizeof(address))
		return refuse(draft, text, "an IPv4 address and a port, as in 239.77.1.1:26477");
	memcpy(address, text, (size_t)(colon - text));
	address[colon - text] = '\0';
	if (inet_pton(AF_INET, address, group) != 1)
		return refuse(draft, text, "an IPv4 address and a port, as in 239.77.1.1:26477");
	if (whole(draft, colon + 1, 1, 65535, &value))
		return -EINVAL;
	*port = (uint16_t)value;
	return 0;
}

static int add_line(struct draft *draft, const char *text)
{
	struct output_opts *output = &draft->options->output;

	if (output->lines == FEED_LINES_MAX)
		return refuse(draft, text, "at most four lines");
	struct frame_address *line = &output->line[output->lines++];

	return group_port(draft, text, &line->group, &line->port);
}

static int add_event(struct draft *draft, const char *text, enum truth_begin begin)
{
	struct feed_opts *feed = &draft->options->feed;
	uint64_t at;

	if (whole(draft, text, 2, UINT64_MAX, &at))
		return -EINVAL;
	if (feed->events == FEED_EVENTS_MAX)
		return refuse(draft, text, "at most 16 session changes and restarts");
	uint32_t i = feed->events++;

	for (; i > 0 && feed->event[i - 1].at > at; i--)
		feed->event[i] = feed->event[i - 1];
	feed->event[i] = (struct feed_event){.at = at, .begin = begin};
	return 0;
}

static int set_protocol(struct draft *draft, const char *text)
{
	static const char *const names[] = {"none", "moldudp64", "iextp"};

	for (int i = 0; i < 3; i++)
		if (!strcmp(text, names[i])) {
			draft->options->feed.protocol = (enum wire_protocol)i;
			return 0;
		}
	return refuse(draft, text, "moldudp64, iextp or none");
}

static int set_session(struct draft *draft, const char *text)
{
	char *session = draft->options->feed.identity.session;
	size_t size = strlen(text);

	if (size < 1 || size > WIRE_SESSION_SIZE)
		return refuse(draft, text, "1 to 10 characters");
	for (size_t i = 0; i < WIRE_SESSION_SIZE; i++)
		session[i] = i < size ? text[i] : ' ';
	return 0;
}

static int set_repack(struct draft *draft, const char *text)
{
	if (strlen(text) != 1 || *text < 'A' || *text >= 'A' + FEED_LINES_MAX)
		return refuse(draft, text, "a line: A, B, C or D");
	draft->repack |= 1u << (*text - 'A');
	return 0;
}

static int set_source(struct draft *draft, const char *text)
{
	if (strchr(text, ':'))
		return group_port(draft, text, &draft->source, &draft->source_port);
	if (inet_pton(AF_INET, text, &draft->source) != 1)
		return refuse(draft, text, "an IPv4 address of this host");
	return 0;
}

static int set_mac(struct draft *draft, const char *text)
{
	const struct ether_addr *mac = ether_aton(text);

	if (!mac)
		return refuse(draft, text, "six bytes, as in 02:00:00:00:00:01");
	memcpy(draft->mac, mac, sizeof(draft->mac));
	draft->mac_set = true;
	return 0;
}

static int set_vlans(struct draft *draft, const char *text)
{
	double values[FEED_LINES_MAX] = {0};

	for (const char *comma = text; comma; comma = strchr(comma + 1, ','))
		draft->vlans++;
	if (draft->vlans > FRAME_VLANS_MAX)
		return refuse(draft, text, "one or two tags");
	if (for_lines(draft, text, 4095, 1, values))
		return -EINVAL;
	for (uint32_t i = 0; i < draft->vlans; i++)
		draft->vlan[i] = (uint16_t)values[i];
	return 0;
}

static int set_output(struct draft *draft, enum options_output kind, const char *name)
{
	draft->options->output_kind = kind;
	draft->options->output_name = name;
	draft->outputs++;
	return 0;
}

static int set_pace(struct draft *draft, enum feed_pace pace, const char *text, double *value)
{
	draft->options->feed.pace = pace;
	draft->paces++;
	return number(draft, text, 1e-6, 1e9, value);
}

/* Source, protocol, lines, network. -ENOENT: not one of these. */
static int take_feed_option(struct draft *draft, int option, const char *text)
{
	struct options *options = draft->options;
	uint64_t value;
	int err;

	switch (option) {
	case OPT_GENERATE:
		draft->generate = true;
		return 0;
	case OPT_SYMBOLS:
		err = whole(draft, text, 1, 65535, &value);
		options->generator.symbols = (uint32_t)value;
		return err;
	case OPT_ITCH:
		options->itch_path = text;
		return 0;
	case OPT_PCAP:
		options->capture.path = text;
		return 0;
	case OPT_SELECT:
		options->capture.selected = true;
		return group_port(draft, text, &options->capture.group, &options->capture.port);
	case OPT_FRAMES:
		options->capture.frames = true;
		return 0;
	case OPT_PROTOCOL:
		return set_protocol(draft, text);
	case OPT_SESSION:
		return set_session(draft, text);
	case OPT_SESSION_CHANGE:
		return add_event(draft, text, TRUTH_SESSION_CHANGE);
	case OPT_RESTART:
		return add_event(draft, text, TRUTH_RESTART);
	case OPT_HEARTBEAT:
		draft->heartbeat_set = true;
		return number(draft, text, 0, 3600, &draft->heartbeat);
	case OPT_END_PACKETS:
		draft->end_packets_set = true;
		err = whole(draft, text, 0, 1000, &value);
		options->feed.end_packets = (uint32_t)value;
		return err;
	case OPT_LINE:
		return add_line(draft, text);
	case OPT_PAYLOAD:
		return whole(draft, text, 40, 9000, &draft->payload);
	case OPT_PACKET_MESSAGES:
		return whole(draft, text, 1, 1000, &draft->packet_messages);
	case OPT_PACK_US:
		return number(draft, text, 0, 1e7, &draft->pack_us);
	case OPT_REPACK:
		return set_repack(draft, text);
	case OPT_LOSS:
		return for_lines(draft, text, 100, 0.01, draft->loss);
	case OPT_DUPLICATE:
		return for_lines(draft, text, 100, 0.01, draft->duplicate);
	case OPT_REORDER:
		return for_lines(draft, text, 100, 0.01, draft->reorder);
	case OPT_REORDER_WINDOW:
		return whole(draft, text, 1, IMPAIR_REORDER_MAX, &draft->reorder_window);
	case OPT_SKEW:
		return for_lines(draft, text, 1e6, 1000, draft->skew);
	default:
		return -ENOENT;
	}
}

/* Pace, limits, output and the rest. */
static int take_run_option(struct draft *draft, int option, const char *text)
{
	struct options *options = draft->options;
	struct feed_opts *feed = &options->feed;

	switch (option) {
	case OPT_SPEED:
		return set_pace(draft, FEED_PACE_CLOCK, text, &feed->speed);
	case OPT_RATE:
		return set_pace(draft, FEED_PACE_RATE, text, &feed->rate);
	case OPT_FAST:
		feed->pace = FEED_PACE_FAST;
		draft->paces++;
		return 0;
	case OPT_MESSAGES:
		draft->messages_set = true;
		return whole(draft, text, 1, UINT32_MAX, &feed->messages_max);
	case OPT_PACKETS:
		return whole(draft, text, 1, UINT32_MAX, &feed->packets_max);
	case OPT_SECONDS:
		return number(draft, text, 0.001, 1e6, &draft->seconds);
	case OPT_TIMEOUT:
		return number(draft, text, 0.001, 1e6, &draft->timeout);
	case OPT_UDP:
		return set_output(draft, OPTIONS_UDP, "udp");
	case OPT_INTERFACE:
		options->output.interface = text;
		return set_output(draft, OPTIONS_UDP, text);
	case OPT_RAW:
		return set_output(draft, OPTIONS_RAW, text);
	case OPT_WRITE:
		return set_output(draft, OPTIONS_FILE, text);
	case OPT_SOURCE:
		return set_source(draft, text);
	case OPT_MAC:
		return set_mac(draft, text);
	case OPT_VLAN:
		return set_vlans(draft, text);
	case OPT_TTL:
		return whole(draft, text, 1, 255, &draft->ttl);
	case OPT_SEED:
		return whole(draft, text, 0, UINT64_MAX, &draft->seed);
	case OPT_REPORT:
		options->report_path = text;
		return 0;
	case OPT_QUIET:
		options->quiet = true;
		return 0;
	case OPT_HELP:
		options->done = true;
		fputs(options_usage, stdout);
		return 0;
	case OPT_VERSION:
		options->done = true;
		puts("myc-feed " MYC_VERSION);
		return 0;
	default:
		return -ENOENT;
	}
}

int options_parse(struct options *options, int argc, char **argv, struct myc_error *error)
{
	struct draft draft = {
		.options = options,
		.error = error,
		.heartbeat = 1,
		.pack_us = 30,
		.timeout = 3600,
		.payload = 1472,
		.packet_messages = 38,
		.reorder_window = 16,
		.seed = 1,
		.ttl = 16,
	};
	int option, index = 0, err = 0;

	*options = (struct options){
		.feed = {.protocol = WIRE_MOLDUDP64, .end_packets = 3, .speed = 1},
		.generator = {.symbols = 500},
	};
	memcpy(options->feed.identity.session, "MYC0000001", WIRE_SESSION_SIZE);
	options->feed.identity.iex_protocol = 0x8003; /* TOPS 1.6 */
	options->feed.identity.iex_channel = 1;
	options->feed.identity.iex_session = 1;
	opterr = 0;
	while (!err && !options->done &&
	       (option = getopt_long(argc, argv, ":h", long_options, &index)) != -1) {
		if (option == 'h')
			option = OPT_HELP;
		if (option == '?' || option == ':')
			return myc_error_set(error, -EINVAL, "myc-feed --help lists the options",
					     option == ':' ? "%s: its value is missing"
							   : "%s: no such option",
					     argv[optind - 1]);
		const char *value = optarg ? optarg : "";

		draft.name = long_options[index].name;
		err = take_feed_option(&draft, option, value);
		if (err == -ENOENT)
			err = take_run_option(&draft, option, value);
	}
	if (err || options->done)
		return err;
	if (optind < argc)
		return myc_error_set(error, -EINVAL, "myc-feed --help lists the options",
				     "%s: no such argument", argv[optind]);
	err = options_check_together(&draft);
	if (!err)
		options_settle(&draft);
	return err;
}
