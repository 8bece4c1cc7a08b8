// SPDX-License-Identifier: Apache-2.0
//! The Rust SDK as a client over HTTP: client MODE CALLS URL TOKEN. MODE: legacy, auto, or a modern version; prints JSON as
//! tests/hosts/client_sdk.py does.

use rmcp::model::*;
use rmcp::service::{NotificationContext, PeerRequestOptions, RunningService};
use rmcp::transport::{StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig};
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, mpsc};

/// What is heard beside answers.
struct Ears {
    told: mpsc::UnboundedSender<String>,
    progressed: mpsc::UnboundedSender<()>,
}

impl ClientHandler for Ears {
    async fn on_resource_updated(&self, params: ResourceUpdatedNotificationParam, _: NotificationContext<RoleClient>) {
        self.told.send(params.uri).unwrap();
    }

    async fn on_progress(&self, _: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.progressed.send(()).unwrap();
    }
}

struct Client {
    service: RunningService<RoleClient, Ears>,
    told: Mutex<mpsc::UnboundedReceiver<String>>,
    progressed: Mutex<mpsc::UnboundedReceiver<()>>,
}

fn text_of(result: &CallToolResult) -> String {
    result.content.iter().filter_map(|block| block.as_text()).map(|block| block.text.as_str()).collect()
}

fn params(tool: &str, arguments: Value) -> CallToolRequestParams {
    CallToolRequestParams::new(tool.to_string()).with_arguments(arguments.as_object().unwrap().clone())
}

impl Client {
    async fn call(&self, tool: &str, arguments: Value) -> CallToolResult {
        self.service.call_tool(params(tool, arguments)).await.unwrap()
    }

    async fn say(&self, tool: &str, arguments: Value) -> String {
        text_of(&self.call(tool, arguments).await)
    }

    /// A person's session with an interpreter that wants a terminal: converse() of calls.py.
    async fn converse(&self) -> Value {
        let begun = self.say("run_command", json!({"command": "python3 -q", "tty": true, "wait_ms": 0})).await;
        let id = begun.split(|one: char| !one.is_ascii_hexdigit()).find(|word| word.len() == 32).unwrap().to_string();
        let mut said = self.say("write_input", json!({"id": id, "text": "import sys; print(6 * 7, sys.stdin.isatty())\n"})).await;
        while !said.contains("42 True") {
            said += &self.say("read_output", json!({"id": id})).await;
        }
        let whole = self.say("read_output", json!({"id": id, "since": 0})).await;
        let stopped = self.say("stop_command", json!({"id": id, "signal": "KILL"})).await;
        json!({"begun": begun, "whole": whole, "stopped": stopped, "left": self.say("list_commands", json!({})).await})
    }

    /// Begins a command, and learns by notifications alone that it has ended.
    async fn follow(&self, modern: bool) -> Value {
        let begun = self.call("run_command", json!({"command": "read line; echo $line", "stdin": "", "wait_ms": 0})).await;
        let id = begun.structured_content.unwrap()["id"].as_str().unwrap().to_string();
        let uri = format!("sallyport://command/{id}/output");
        let mut subscription = None;
        if modern {
            let filter = SubscriptionFilter::builder().resource_subscriptions(vec![uri.clone()]).build();
            subscription = Some(self.service.listen(filter).await.unwrap());
        } else {
            #[allow(deprecated)]
            self.service.subscribe(SubscribeRequestParams::new(uri.clone())).await.unwrap();
        }
        self.call("write_input", json!({"id": id, "text": "over\n", "wait_ms": 0})).await;
        for updates in 1.. {
            match &mut subscription {
                Some(one) => assert!(matches!(one.next().await.unwrap(), Some(ServerNotification::ResourceUpdatedNotification(_)))),
                None => assert_eq!(self.told.lock().await.recv().await.unwrap(), uri),
            }
            let read = serde_json::to_value(self.service.read_resource(ReadResourceRequestParams::new(uri.clone())).await.unwrap()).unwrap();
            if read.to_string().contains("\"status\":\"exited\"") {
                if let Some(mut one) = subscription {
                    one.cancel().await.unwrap();
                }
                self.call("read_output", json!({"id": id})).await;
                return json!({"text": read["contents"][0]["text"], "updates": updates});
            }
        }
        unreachable!()
    }

    /// A call is left off in the middle; nothing of it is left.
    async fn leave(&self) -> String {
        let request = CallToolRequest::new(params("run_command", json!({"command": "echo up; sleep 1000"})));
        let begun = self.service.send_cancellable_request(request.into(), PeerRequestOptions::no_options()).await.unwrap();
        self.progressed.lock().await.recv().await.unwrap();
        begun.cancel(None).await.unwrap();
        self.say("list_commands", json!({})).await
    }
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [mode, calls, url, token] = &words[..] else { panic!("usage: client MODE CALLS URL TOKEN") };
    let modern = vec![ProtocolVersion::V_2026_07_28];
    let lifecycle = match mode.as_str() {
        "legacy" => ClientLifecycleMode::Initialize,
        "auto" => ClientLifecycleMode::Auto { preferred_versions: modern, legacy_version: None },
        _ => ClientLifecycleMode::Discover { preferred_versions: modern },
    };
    let (tell, told) = mpsc::unbounded_channel();
    let (progress, progressed) = mpsc::unbounded_channel();
    let transport = StreamableHttpClientTransport::from_config(StreamableHttpClientTransportConfig::with_uri(url.as_str()).auth_header(token));
    let service = Ears { told: tell, progressed: progress }.serve_with_lifecycle(transport, lifecycle).await.unwrap();
    let version = service.peer_info().unwrap().protocol_version.to_string();
    let client = Client { service, told: Mutex::new(told), progressed: Mutex::new(progressed) };
    let tools: Vec<String> = client.service.list_all_tools().await.unwrap().iter().map(|tool| tool.name.to_string()).collect();
    let mut results = Map::new();
    for (tool, arguments) in serde_json::from_str::<Map<String, Value>>(calls).unwrap() {
        let result = client.call(&tool, arguments).await;
        results.insert(tool, json!({"error": result.is_error.unwrap_or(false), "structured": result.structured_content, "text": text_of(&result)}));
    }
    let conversation = client.converse().await;
    let failed = client.call("read_file", json!({"path": "missing.txt"})).await;
    let many = futures::future::join_all((0..100).map(|_| client.say("read_file", json!({"path": "a.txt"})))).await;
    let found = json!({
        "version": version, "tools": tools, "results": results, "conversation": conversation,
        "failure": {"error": failed.is_error.unwrap_or(false), "text": text_of(&failed)},
        "many": many.iter().filter(|text| text.starts_with("alpha")).count(),
        "followed": client.follow(version.starts_with("2026")).await,
        "left": client.leave().await,
    });
    client.service.cancel().await.unwrap();
    println!("{found}");
}
