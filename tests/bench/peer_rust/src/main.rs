// SPDX-License-Identifier: Apache-2.0
//! The fastest unconfined server we know: run_command by the official Rust SDK, on tokio's default scheduler.
//! Nothing of it is part of the product; `tests/bench/run --peer` measures it beside ours.

use rmcp::handler::server::{router::tool::ToolRouter, wrapper::Parameters};
use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::{tool, tool_handler, tool_router, transport::stdio, ErrorData, ServerHandler, ServiceExt};
use serde::Deserialize;
use std::process::Stdio;

#[derive(Deserialize, schemars::JsonSchema)]
struct Run {
    argv: Vec<String>,
}

#[derive(Clone)]
struct Peer {
    tool_router: ToolRouter<Self>,
}

#[tool_router]
impl Peer {
    #[tool(description = "Run a command")]
    async fn run_command(&self, Parameters(run): Parameters<Run>) -> Result<CallToolResult, ErrorData> {
        let output = tokio::process::Command::new(&run.argv[0])
            .args(&run.argv[1..])
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let text = String::from_utf8_lossy(&output.stdout);

        Ok(CallToolResult::success(vec![ContentBlock::text(format!("exit {:?}\n{text}", output.status.code()))]))
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Peer {}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Peer { tool_router: Peer::tool_router() }.serve(stdio()).await?.waiting().await?;
    Ok(())
}
