/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics: what the server around counts of calls (http_host.metrics), and what is counted here of HTTP.
 */
#include "protocol/limits.h"
#include "server/metrics.h"
#include "server/transport/http_exchange.h"
#include "server/transport/http_sessions.h"

void exchange_answered(struct exchange *exchange, unsigned status)
{
	exchange->answered = status;
	if (status < HTTP_STATUSES)
		exchange->http->answered[status]++;
}

static int write_requests(const struct http *http, struct buffer *out)
{
	int result = metrics_head(out, "sallyport_requests_total", "counter",
				  "HTTP requests answered, by status; none: the client left before.");

	for (unsigned status = 1; status < HTTP_STATUSES && result == 0; status++)
		if (http->answered[status])
			result = metrics_line(out, "sallyport_requests_total{status=\"%u\"} %llu\n", status,
					      (unsigned long long)http->answered[status]);
	return result < 0 ? result
			  : metrics_line(out, "sallyport_requests_total{status=\"none\"} %llu\n",
					 (unsigned long long)http->answered[0]);
}

static int write_own(const struct http *http, struct buffer *out)
{
	int result = write_requests(http, out);

	if (result == 0)
		result = metrics_single(out, "sallyport_connections", "gauge", "Open connections.",
					http->links);
	if (result == 0)
		result = metrics_single(out, "sallyport_streams_open", "gauge", "Open streams of events.",
					http->streams);
	if (result == 0)
		result = metrics_single(out, "sallyport_sessions", "gauge",
					"Sessions of older protocol versions that are known.",
					sessions_count(http->sessions));
	return result;
}

int http_metrics(const struct http *http, struct buffer *out)
{
	int result = http->host.metrics(http->host.context, out);

	return result < 0 ? result : write_own(http, out);
}
