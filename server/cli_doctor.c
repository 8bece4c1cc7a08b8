/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport doctor`: which layers this system gives, why not, and what to do about it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "config.h"
#include "protocol/json.h"
#include "server/cli.h"
#include "server/doctor.h"
#include "server/pretty.h"

static const char *const states[] = {[PROBE_MISSING] = "missing",
				     [PROBE_THERE] = "there",
				     [PROBE_PARTLY] = "partly",
				     [PROBE_UNTRIED] = "untried"};
static const enum pretty_style styles[] = {[PROBE_MISSING] = PRETTY_BAD,
					   [PROBE_THERE] = PRETTY_GOOD,
					   [PROBE_PARTLY] = PRETTY_WARN,
					   [PROBE_UNTRIED] = PRETTY_FAINT};

#define DOCTOR_WHY_BYTES 256

struct findings {
	const struct settings *settings;
	const struct options *options;
	struct doctor_report report;
	struct err err; /* the probe itself failed: empty if not */
	struct utsname kernel;
};

static bool has_layer(const struct doctor_report *report, const char *name)
{
	for (unsigned i = 0; i < report->count; i++)
		if (strcmp(report->layers[i].name, name) == 0)
			return report->layers[i].state == PROBE_THERE ||
			       (report->layers[i].state == PROBE_PARTLY && strcmp(name, "cgroup") != 0);
	return false;
}

/* What calls will be refused for; false when for nothing. */
static bool refused(const struct findings *findings, char *why, size_t size)
{
	const struct plan *plan = &findings->settings->plan;
	const struct doctor_report *report = &findings->report;
	enum confinement best = CONFINEMENT_FULL;

	while (best < CONFINEMENT_COUNT && strcmp(confinement_name(best), report->profile) != 0)
		best++;
	if (findings->err.text[0] || best == CONFINEMENT_COUNT) {
		snprintf(why, size, "Calls are refused until what is missing above is mended.");
		return true;
	}
	if (best > plan->require_profile) {
		snprintf(why, size,
			 "Calls are refused: the policy requires profile %s (sandbox.requireProfile). Mend "
			 "what "
			 "is missing above, or let the policy require %s.",
			 confinement_name(plan->require_profile), report->profile);
		return true;
	}
	for (size_t i = 0; i < plan->require_layer_count; i++)
		if (!has_layer(report, plan->require_layers[i])) {
			snprintf(why, size,
				 "Calls are refused: the policy requires layer %s (sandbox.requireLayers), "
				 "which is not there.",
				 plan->require_layers[i]);
			return true;
		}
	return false;
}

static bool confined(const struct findings *findings)
{
	char why[DOCTOR_WHY_BYTES];

	return !refused(findings, why, sizeof why);
}

/* ---- for people ---- */

static int widest_name(const struct doctor_report *report)
{
	size_t widest = 0;

	for (unsigned i = 0; i < report->count; i++)
		if (strlen(report->layers[i].name) > widest)
			widest = strlen(report->layers[i].name);
	return (int)widest;
}

static void print_layer(const struct doctor_layer *layer, int width, bool colour)
{
	printf("  %s%-7s%s  %-*s  %s", pretty_style(colour, styles[layer->state]), states[layer->state],
	       pretty_style(colour, PRETTY_PLAIN), width, layer->name, layer->detail);
	if (layer->state == PROBE_MISSING && layer->error)
		printf(" (%s)", strerror(layer->error));
	putchar('\n');
	if (*layer->remedy)
		printf("  %-7s  %-*s  %sremedy:%s %s\n", "", width, "", pretty_style(colour, PRETTY_BOLD),
		       pretty_style(colour, PRETTY_PLAIN), layer->remedy);
}

static void print_table(const struct findings *findings, bool colour)
{
	const struct plan *plan = &findings->settings->plan;
	const struct doctor_report *report = &findings->report;
	int width = widest_name(report);
	char why[DOCTOR_WHY_BYTES];

	printf("sallyport %s on Linux %s (%s)\n\nLayers\n", SALLYPORT_VERSION, findings->kernel.release,
	       findings->kernel.machine);
	for (unsigned i = 0; i < report->count; i++)
		print_layer(&report->layers[i], width, colour);
	if (findings->err.text[0])
		printf("  %snot probed%s: %s\n", pretty_style(colour, PRETTY_BAD),
		       pretty_style(colour, PRETTY_PLAIN), findings->err.text);
	printf("\nProfile     %s%s%s\n", pretty_style(colour, confined(findings) ? PRETTY_GOOD : PRETTY_BAD),
	       *report->profile ? report->profile : "none", pretty_style(colour, PRETTY_PLAIN));
	for (size_t i = 0; i < plan->workspace_count; i++)
		printf("%s%s%s\n", i ? "            " : "Workspaces  ", plan->workspaces[i].path,
		       plan->workspaces[i].write ? "" : " (read only)");
	printf("Policy      %s\n            SHA-256 %s\n",
	       findings->options->policy ? findings->options->policy : "defaults (no --policy)",
	       plan->policy_sha256);
	if (refused(findings, why, sizeof why))
		printf("\n%s\n", why);
}

/* ---- for programs ---- */

static void write_layer(struct json_writer *writer, const struct doctor_layer *layer)
{
	json_object(writer);
	json_key_text(writer, "layer", layer->name);
	json_key_text(writer, "state", states[layer->state]);
	if (layer->error)
		json_key_text(writer, "errno", err_name(layer->error));
	json_key_text(writer, "detail", layer->detail);
	json_key_text(writer, "remedy", layer->remedy);
	json_object_end(writer);
}

static void write_findings(struct json_writer *writer, const struct findings *findings)
{
	const struct plan *plan = &findings->settings->plan;
	char why[DOCTOR_WHY_BYTES] = "";

	json_object(writer);
	json_key_text(writer, "version", SALLYPORT_VERSION);
	json_key_text(writer, "kernel", findings->kernel.release);
	json_key_text(writer, "machine", findings->kernel.machine);
	json_key(writer, "layers");
	json_array(writer);
	for (unsigned i = 0; i < findings->report.count; i++)
		write_layer(writer, &findings->report.layers[i]);
	json_array_end(writer);
	if (findings->err.text[0])
		json_key_text(writer, "error", findings->err.text);
	json_key(writer, "profile");
	if (*findings->report.profile)
		json_text(writer, findings->report.profile);
	else
		json_null(writer);
	json_key_text(writer, "requiredProfile", confinement_name(plan->require_profile));
	json_key_bool(writer, "confined", !refused(findings, why, sizeof why));
	json_key_text(writer, "refused", why);
	json_key(writer, "workspaces");
	json_array(writer);
	for (size_t i = 0; i < plan->workspace_count; i++) {
		json_object(writer);
		json_key_text(writer, "path", plan->workspaces[i].path);
		json_key_bool(writer, "write", plan->workspaces[i].write);
		json_object_end(writer);
	}
	json_array_end(writer);
	json_key_text(writer, "policySha256", plan->policy_sha256);
	json_object_end(writer);
}

static int print_json(const struct findings *findings)
{
	struct json_writer writer;
	struct buffer compact;
	int result;

	buffer_init(&compact, LIMIT_ANSWER_BYTES);
	json_writer_init(&writer, &compact);
	write_findings(&writer, findings);
	result = writer.result;
	result = cli_print_json(&compact, result);
	buffer_deinit(&compact);
	return result;
}

int cli_doctor(const struct options *options)
{
	struct options own = *options;
	struct settings settings;
	struct findings findings = {.settings = &settings, .options = options};
	int result;

	/* whoever asks what the machine can do need not stand in a workspace */
	own.workspace_optional = true;
	result = cli_settings(&settings, &own);
	if (result != EXIT_OK)
		return result;
	uname(&findings.kernel);
	fflush(NULL);
	doctor_probe(&settings.plan, &findings.report, &findings.err);
	if (options->json)
		result = print_json(&findings);
	else
		print_table(&findings, pretty_colour(STDOUT_FILENO));
	if (result == EXIT_OK && !confined(&findings))
		result = EXIT_UNCONFINED;
	settings_deinit(&settings);
	return result;
}
