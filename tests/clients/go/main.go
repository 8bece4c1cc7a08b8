// SPDX-License-Identifier: Apache-2.0

// The Go SDK as a client over HTTP: client MODE CALLS URL TOKEN. MODE is the protocol version to begin with; prints JSON as
// tests/hosts/client_sdk.py does.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type object = map[string]any

// With the token in each request.
type bearer string

func (token bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+string(token))
	return http.DefaultTransport.RoundTrip(request)
}

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func textOf(result *mcp.CallToolResult) string {
	var text strings.Builder
	for _, block := range result.Content {
		if one, ok := block.(*mcp.TextContent); ok {
			text.WriteString(one.Text)
		}
	}
	return text.String()
}

type client struct {
	*mcp.ClientSession
	context.Context
}

func (c client) call(tool string, arguments any) *mcp.CallToolResult {
	result, err := c.CallTool(c, &mcp.CallToolParams{Name: tool, Arguments: arguments})
	check(err)
	return result
}

func (c client) say(tool string, arguments any) string {
	return textOf(c.call(tool, arguments))
}

// A person's session with an interpreter that wants a terminal: converse() of calls.py.
func (c client) converse() object {
	begun := c.say("run_command", object{"command": "python3 -q", "tty": true, "wait_ms": 0})
	id := regexp.MustCompile(`\b[0-9a-f]{32}\b`).FindString(begun)
	said := c.say("write_input", object{"id": id, "text": "import sys; print(6 * 7, sys.stdin.isatty())\n"})
	for !strings.Contains(said, "42 True") {
		said += c.say("read_output", object{"id": id})
	}
	whole := c.say("read_output", object{"id": id, "since": 0})
	stopped := c.say("stop_command", object{"id": id, "signal": "KILL"})
	return object{"begun": begun, "whole": whole, "stopped": stopped, "left": c.say("list_commands", object{})}
}

// Begins a command, and learns by notifications alone that it has ended.
func (c client) follow(told <-chan string) object {
	begun := c.call("run_command", object{"command": "read line; echo $line", "stdin": "", "wait_ms": 0})
	id := begun.StructuredContent.(object)["id"].(string)
	uri := "sallyport://command/" + id + "/output"
	check(c.Subscribe(c, &mcp.SubscribeParams{URI: uri}))
	c.call("write_input", object{"id": id, "text": "over\n", "wait_ms": 0})
	for updates := 1; ; updates++ {
		if heard := <-told; heard != uri {
			log.Panicf("told of %s", heard)
		}
		read, err := c.ReadResource(c, &mcp.ReadResourceParams{URI: uri})
		check(err)
		facts, _ := json.Marshal(read)
		if strings.Contains(string(facts), `"status":"exited"`) {
			check(c.Unsubscribe(c, &mcp.UnsubscribeParams{URI: uri}))
			c.call("read_output", object{"id": id})
			return object{"text": read.Contents[0].Text, "updates": updates}
		}
	}
}

// A call is left off in the middle; nothing of it is left.
func (c client) leave(progressed <-chan struct{}) string {
	going, stop := context.WithCancel(c)
	go func() {
		<-progressed
		stop()
	}()
	params := &mcp.CallToolParams{Name: "run_command", Arguments: object{"command": "echo up; sleep 1000"}}
	params.SetProgressToken("left")
	if _, err := c.CallTool(going, params); err == nil {
		log.Panic("it was answered")
	}
	return c.say("list_commands", object{})
}

func main() {
	mode, calls, url, token := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	told, progressed := make(chan string, 100), make(chan struct{}, 100)
	options := &mcp.ClientOptions{
		ResourceUpdatedHandler: func(_ context.Context, request *mcp.ResourceUpdatedNotificationRequest) { told <- request.Params.URI },
		ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) {
			progressed <- struct{}{}
		},
	}
	transport := &mcp.StreamableClientTransport{Endpoint: url, HTTPClient: &http.Client{Transport: bearer(token)}}
	ctx := context.Background()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "go", Version: "1"}, options).Connect(ctx, transport, &mcp.ClientSessionOptions{ProtocolVersion: mode})
	check(err)
	c := client{session, ctx}
	names, results := []string{}, object{}
	for tool, err := range c.Tools(ctx, nil) {
		check(err)
		names = append(names, tool.Name)
	}
	decoder := json.NewDecoder(strings.NewReader(calls)) // in their order, which a map has not
	_, err = decoder.Token()
	check(err)
	for decoder.More() {
		name, err := decoder.Token()
		check(err)
		var arguments object
		check(decoder.Decode(&arguments))
		result := c.call(name.(string), arguments)
		results[name.(string)] = object{"error": result.IsError, "structured": result.StructuredContent, "text": textOf(result)}
	}
	found := object{"version": session.InitializeResult().ProtocolVersion, "tools": names, "results": results, "conversation": c.converse()}
	failed := c.call("read_file", object{"path": "missing.txt"})
	found["failure"] = object{"error": failed.IsError, "text": textOf(failed)}
	var many sync.Map
	var all sync.WaitGroup
	for n := range 100 {
		all.Go(func() { many.Store(n, strings.HasPrefix(c.say("read_file", object{"path": "a.txt"}), "alpha")) })
	}
	all.Wait()
	right := 0
	many.Range(func(_, good any) bool {
		if good.(bool) {
			right++
		}
		return true
	})
	found["many"] = right
	found["followed"] = c.follow(told)
	found["left"] = c.leave(progressed)
	check(session.Close())
	text, err := json.Marshal(found)
	check(err)
	fmt.Println(string(text))
}
