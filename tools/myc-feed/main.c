/* SPDX-License-Identifier: Apache-2.0 */
/* myc-feed: generates or replays a market data feed. See docs/man/myc-feed.1, and packet.h for how
 * it is made. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "myc-feed/options.h"
#include "myc-feed/report.h"

static void on_signal(int number)
{
	(void)number;
	feed_interrupt();
}

static int exit_code(int err)
{
	switch (-err) {
	case 0:
		return 0;
	case EPERM:
	case EACCES:
		return 3;
	case EINVAL:
	case EBADMSG:
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ENODEV:
	case EADDRNOTAVAIL:
		return 2;
	default:
		return 1;
	}
}

static int open_source(struct source **source, const struct options *options,
		       struct myc_error *error)
{
	if (options->itch_path)
		return source_binaryfile_open(source, options->itch_path, error);
	if (options->capture.path)
		return source_capture_open(source, &options->capture, error);
	if (options->feed.protocol == WIRE_IEXTP)
		return source_tops_open(source, &options->generator, error);
	return source_generator_open(source, &options->generator, error);
}

static int open_output(struct output **output, const struct options *options,
		       struct myc_error *error)
{
	if (options->output_kind == OPTIONS_FILE)
		return output_pcap_open(output, options->output_name, &options->output, error);
	if (options->output_kind == OPTIONS_RAW)
		return output_raw_open(output, options->output_name, &options->output, error);
	return output_udp_open(output, &options->output, error);
}

static int write_report(const struct options *options, const struct feed *feed,
			struct myc_error *error)
{
	struct report report = {
		.feed = feed,
		.addresses = &options->output,
		.source = options->itch_path	  ? options->itch_path
			  : options->capture.path ? options->capture.path
						  : "a generated day",
		.output = options->output_name,
		.seed = options->generator.seed,
	};

	if (report_open(&report))
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	if (!options->quiet)
		report_text(&report, stdout);
	int err = options->report_path ? report_json(&report, options->report_path, error) : 0;

	report_close(&report);
	return err;
}

static int run(struct options *options, struct myc_error *error)
{
	static struct feed feed;
	struct source *source;
	struct output *output;
	struct stat at;
	int err = options->report_path ? report_check(options->report_path, error) : 0;

	err = err ? err : open_source(&source, options, error);
	if (err)
		return err;
	options->output.epoch_ns = source->epoch_ns;
	err = open_output(&output, options, error);
	if (err)
		goto out_source;
	feed_init(&feed, &options->feed, source, output);
	err = feed_run(&feed, error);
	/* The first thing that went wrong is the one to tell. */
	int close_err = output->close(output, err ? NULL : error);

	err = err ? err : close_err;
	/* Half a capture is no capture; what is no file was not made here. */
	if (err && options->output_kind == OPTIONS_FILE && !stat(options->output_name, &at) &&
	    S_ISREG(at.st_mode))
		unlink(options->output_name);
	if (!err)
		err = write_report(options, &feed, error);
	feed_close(&feed);
out_source:
	source->close(source);
	return err;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct options options;
	struct myc_error error = {0};
	char line[1024];
	int err = options_parse(&options, argc, argv, &error);

	if (!err && !options.done) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
		/* Sleeps end when asked to, not 50 us later. */
		prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
		err = run(&options, &error);
	}
	if (err) {
		myc_error_format(&error, line, sizeof(line));
		fprintf(stderr, "myc-feed: %s\n", line);
	}
	return exit_code(err);
}
