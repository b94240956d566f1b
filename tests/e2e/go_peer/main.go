// The other side of gRPC in Go, which goim is written in: its job, or its logic, as a test drives it.
// Options of connections are those of goim's programs; messages are bytes, which the test knows.
//
//	go_peer job ADDRESS             calls: {"id", "method", "request"} a line on standard input;
//	                                {"id", "reply"} or {"id", "code", "message"} on standard output
//	go_peer logic ADDRESS IDLE AGE  answers: {"asked", "request", "compressed"} on standard output.
//	                                A connection ends when it is idle for so long, or of that age (of Go's
//	                                time.ParseDuration)
//	go_peer counting_logic ADDRESS  as logic, but tells each tenth of a second how many logins it has had,
//	                                and how many at a time at most, how many reports of rooms, and of the
//	                                last and largest the rooms and the bytes in gzip:
//	                                {"logins", "most", "reports", "rooms", "report_bytes"}
//	go_peer crowd ADDRESS SOURCE COUNT  clients that log in over goim's TCP, and where that comes to nothing
//	                                again, after half a second to a second at first and twice as long each
//	                                time, up to 32 s; {"in", "tries"} each second
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"path"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// A codec that leaves bytes as they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)   { return *v.(*[]byte), nil }
func (raw) Unmarshal(b []byte, v any) error { *v.(*[]byte) = append([]byte(nil), b...); return nil }
func (raw) Name() string                    { return "proto" }

var telling sync.Mutex

func tell(event map[string]any) {
	line, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	telling.Lock()
	defer telling.Unlock()
	fmt.Println(string(line))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

type call struct {
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Request []byte `json:"request"`
}

// As goim's job, internal/job/comet.go: a ping every 10 s, calls or no calls.
func job(address string) {
	connection, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(1<<24), grpc.WithInitialConnWindowSize(1<<24),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1<<24), grpc.MaxCallSendMsgSize(1<<24),
			grpc.ForceCodec(raw{})),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 10 * time.Second, Timeout: 3 * time.Second, PermitWithoutStream: true}))
	if err != nil {
		fail(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<25)
	for lines.Scan() {
		var asked call
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fail(err)
		}
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			reply := []byte{}
			if err := connection.Invoke(ctx, asked.Method, &asked.Request, &reply); err != nil {
				tell(map[string]any{"id": asked.ID, "code": status.Code(err).String(),
					"message": status.Convert(err).Message()})
				return
			}
			tell(map[string]any{"id": asked.ID, "reply": reply})
		}()
	}
}

// Notes of each call how its request was compressed.
type compression struct{}
type compressionKey struct{}

func (compression) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, compressionKey{}, new(string))
}
func (compression) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if header, ok := s.(*stats.InHeader); ok {
		*ctx.Value(compressionKey{}).(*string) = header.Compression
	}
}
func (compression) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (compression) HandleConn(_ context.Context, s stats.ConnStats) {
	switch s.(type) {
	case *stats.ConnBegin:
		tell(map[string]any{"connection": "begins"})
	case *stats.ConnEnd:
		tell(map[string]any{"connection": "ends"})
	}
}

func answer(_ any, stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	full, _ := grpc.MethodFromServerStream(stream)
	name := path.Base(full)
	tell(map[string]any{"asked": name, "request": request,
		"compressed": *stream.Context().Value(compressionKey{}).(*string)})
	reply := []byte{}
	switch name {
	case "Connect":
		var err error
		if reply, err = connect(field(request, 3)); err != nil {
			return err
		}
	case "RenewOnline":
		reply, _ = renewOnline(request)
	}
	return stream.SendMsg(&reply)
}

// The answer, and how many rooms are in it. Rooms have as many members on the node as everywhere: field 2
// of the request and field 1 of the reply are both maps' entry.
func renewOnline(request []byte) (reply []byte, rooms int64) {
	reply = make([]byte, 0, len(request))
	for rest := request; len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		m := protowire.ConsumeFieldValue(number, kind, rest[n:])
		if number == 2 {
			reply = protowire.AppendTag(reply, 1, protowire.BytesType)
			reply = append(reply, rest[n:n+m]...)
			rooms++
		}
		rest = rest[n+m:]
	}
	return reply, rooms
}

func field(message []byte, wanted protowire.Number) []byte {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		m := protowire.ConsumeFieldValue(number, kind, message[n:])
		if number == wanted && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message[n:])
			return value
		}
		message = message[n+m:]
	}
	return nil
}

// The token says who the client is, as goim's own example has it.
func connect(token []byte) ([]byte, error) {
	var who struct {
		Mid     int64   `json:"mid"`
		Key     string  `json:"key"`
		Room    string  `json:"room_id"`
		Accepts []int32 `json:"accepts"`
	}
	if err := json.Unmarshal(token, &who); err != nil {
		return nil, err // as goim's: of Go, and no status of gRPC
	}
	if who.Key == "" {
		return nil, status.Error(codes.Unknown, "no key")
	}
	var reply, accepts []byte
	reply = protowire.AppendVarint(protowire.AppendTag(reply, 1, protowire.VarintType), uint64(who.Mid))
	reply = protowire.AppendString(protowire.AppendTag(reply, 2, protowire.BytesType), who.Key)
	reply = protowire.AppendString(protowire.AppendTag(reply, 3, protowire.BytesType), who.Room)
	for _, op := range who.Accepts {
		accepts = protowire.AppendVarint(accepts, uint64(op))
	}
	reply = protowire.AppendBytes(protowire.AppendTag(reply, 4, protowire.BytesType), accepts)
	reply = protowire.AppendTag(reply, 5, protowire.VarintType)
	return protowire.AppendVarint(reply, uint64(4*time.Minute)), nil
}

// As goim's logic, internal/logic/grpc/server.go.
func logic(address, idle, age string) {
	idleFor, err := time.ParseDuration(idle)
	if err != nil {
		fail(err)
	}
	ageMax, err := time.ParseDuration(age)
	if err != nil {
		fail(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		fail(err)
	}
	server := grpc.NewServer(
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: idleFor, MaxConnectionAge: ageMax,
			MaxConnectionAgeGrace: 20 * time.Second, Time: 60 * time.Second, Timeout: 20 * time.Second}),
		grpc.ForceServerCodec(raw{}), grpc.StatsHandler(compression{}), grpc.UnknownServiceHandler(answer))
	tell(map[string]any{"address": listener.Addr().String()})
	fail(server.Serve(listener))
}

var logins, underWay, most, reports, rooms, reportBytes atomic.Int64

// Notes how many bytes the largest request had on its way.
type sizes struct{ compression }

func (sizes) HandleRPC(_ context.Context, s stats.RPCStats) {
	if payload, ok := s.(*stats.InPayload); ok {
		reportBytes.Store(max(reportBytes.Load(), int64(payload.CompressedLength)))
	}
}
func (sizes) HandleConn(context.Context, stats.ConnStats) {}

func countedAnswer(_ any, stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	reply := []byte{}
	full, _ := grpc.MethodFromServerStream(stream)
	switch path.Base(full) {
	case "Connect":
		if now := underWay.Add(1); now > most.Load() {
			most.Store(now)
		}
		defer underWay.Add(-1)
		logins.Add(1)
		var err error
		if reply, err = connect(field(request, 3)); err != nil {
			return err
		}
	case "RenewOnline":
		var told int64
		reply, told = renewOnline(request)
		rooms.Store(told)
		reports.Add(1)
	}
	return stream.SendMsg(&reply)
}

func countingLogic(address string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		fail(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(raw{}), grpc.StatsHandler(sizes{}),
		grpc.MaxRecvMsgSize(1<<24), grpc.MaxSendMsgSize(1<<24), grpc.UnknownServiceHandler(countedAnswer))
	tell(map[string]any{"address": listener.Addr().String()})
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			tell(map[string]any{"logins": logins.Load(), "most": most.Load(), "reports": reports.Load(),
				"rooms": rooms.Load(), "report_bytes": reportBytes.Load()})
		}
	}()
	fail(server.Serve(listener))
}

// Logs in and stays; false: it came to nothing.
func enter(dialer *net.Dialer, address, key string) bool {
	connection, err := dialer.Dial("tcp", address)
	if err != nil {
		return false
	}
	token := fmt.Sprintf(`{"mid":1,"key":%q,"room_id":"","accepts":[1000]}`, key)
	frame := binary.BigEndian.AppendUint32(nil, uint32(16+len(token)))
	frame = append(frame, 0, 16, 0, 1, 0, 0, 0, 7, 0, 0, 0, 1)
	reply := make([]byte, 16)
	if _, err = connection.Write(append(frame, token...)); err == nil {
		_, err = io.ReadFull(connection, reply)
	}
	if err != nil || reply[11] != 8 {
		connection.Close()
		return false
	}
	return true
}

func crowd(address, source, count string) {
	size, err := strconv.Atoi(count)
	if err != nil {
		fail(err)
	}
	var in, tries atomic.Int64
	for i := range size {
		go func() {
			dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
			for pause := time.Second; ; pause = min(2*pause, 32*time.Second) {
				tries.Add(1)
				if enter(dialer, address, fmt.Sprintf("%s-%d", source, i)) {
					in.Add(1)
					return
				}
				time.Sleep(pause/2 + time.Duration(rand.Int63n(int64(pause/2))))
			}
		}()
	}
	for range time.Tick(time.Second) {
		tell(map[string]any{"in": in.Load(), "tries": tries.Load()})
	}
}

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "counting_logic":
		countingLogic(os.Args[2])
	case len(os.Args) == 5 && os.Args[1] == "crowd":
		crowd(os.Args[2], os.Args[3], os.Args[4])
	case len(os.Args) == 3 && os.Args[1] == "job":
		job(os.Args[2])
	case len(os.Args) == 5 && os.Args[1] == "logic":
		logic(os.Args[2], os.Args[3], os.Args[4])
	default:
		fail(fmt.Errorf("usage: go_peer job ADDRESS | logic ADDRESS IDLE AGE | counting_logic ADDRESS | crowd ADDRESS SOURCE COUNT"))
	}
}
