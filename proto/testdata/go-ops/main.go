// Writes random LLB ops as Go encodes them, one in hex on each line. The ops beside this file are
// what it wrote in a checkout of the BuildKit that `proto/proto/VERSION` names, where it has to lie
// because it uses the checkout's own messages and protobuf library:
//
//	mkdir cmd/ops && cp …/main.go cmd/ops/ && go run ./cmd/ops 40 > …/ops.hex
package main

import (
	"fmt"
	"math/rand"
	"os"
	"strconv"

	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func main() {
	count, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	random := rand.New(rand.NewSource(1))
	for range count {
		op := &pb.Op{}
		fill(random, op.ProtoReflect(), 0)
		// What the daemon calls before it takes the digest.
		encoded, err := op.Marshal()
		if err != nil {
			panic(err)
		}
		fmt.Printf("%x\n", encoded)
	}
}

// The deeper, the sparser, so that ops stay readable and end.
func fill(random *rand.Rand, message protoreflect.Message, depth int) {
	fields := message.Descriptor().Fields()
	var member protoreflect.FieldDescriptor
	for i := range fields.Len() {
		field := fields.Get(i)
		if oneof := field.ContainingOneof(); oneof != nil {
			// The first member draws for all of them.
			if field == oneof.Fields().Get(0) {
				member = oneof.Fields().Get(random.Intn(oneof.Fields().Len()))
			}
			if field != member {
				continue
			}
		} else if random.Intn(depth+3) > 1 {
			continue
		}
		switch {
		case field.IsMap():
			entries := message.Mutable(field).Map()
			for range random.Intn(4) {
				key := scalar(random, field.MapKey()).MapKey()
				if field.MapValue().Message() == nil {
					entries.Set(key, scalar(random, field.MapValue()))
				} else {
					value := entries.NewValue()
					fill(random, value.Message(), depth+2)
					entries.Set(key, value)
				}
			}
		case field.IsList():
			list := message.Mutable(field).List()
			for range random.Intn(3) {
				if field.Message() == nil {
					list.Append(scalar(random, field))
				} else {
					fill(random, list.AppendMutable().Message(), depth+1)
				}
			}
		case field.Message() != nil:
			fill(random, message.Mutable(field).Message(), depth+1)
		default:
			message.Set(field, scalar(random, field))
		}
	}
}

// Zero and empty half of the time, since that is what encoders treat differently.
func scalar(random *rand.Rand, field protoreflect.FieldDescriptor) protoreflect.Value {
	number := int64(0)
	if random.Intn(2) == 0 {
		number = random.Int63n(400) - 200
	}
	text := ""
	if number != 0 {
		text = fmt.Sprintf("é%d", number)
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(text))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(number > 0)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(number & 3))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(number))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(number)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(uint32(number))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(uint64(number))
	default:
		panic(field.FullName())
	}
}
