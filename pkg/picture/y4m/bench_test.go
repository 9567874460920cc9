package y4m

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"imgtools/pkg/picture/raster"
)

func BenchmarkRows(b *testing.B) {
	for _, m := range []made{
		{coding: "420", depth: 8, across: 2, down: 2},
		{coding: "420p10", depth: 10, across: 2, down: 2},
		{coding: "444p10", depth: 10, across: 1, down: 1},
	} {
		for _, hint := range []raster.Hint{{Luma: true}, {}} {
			name := m.coding + " RGB"
			if hint.Luma {
				name = m.coding + " luma"
			}
			b.Run(name, func(b *testing.B) {
				m := m
				m.w, m.h, m.high = 1000, 1000, 1<<m.depth-1
				data := m.file(rand.New(rand.NewPCG(1, 1)))
				b.SetBytes(int64(m.w * m.h))
				for b.Loop() {
					r, err := Open(bytes.NewReader(data), int64(len(data)), Options{Matrix: 9}, raster.Limits{})
					if err != nil {
						b.Fatal(err)
					}
					rows, err := r.Rows(hint)
					if err != nil {
						b.Fatal(err)
					}
					for {
						if _, err := rows.Next(); err != nil {
							break
						}
					}
				}
			})
		}
	}
}
