package main

import (
	"cmp"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// animationJob is the name of the row, for -only.
const animationJob = "WebP animation"

// animation measures GIFs of 30 frames as lossy WebP, beside gif2webp.
func (b *bench) animation(photos []picture) error {
	if len(photos) == 0 || !b.match.MatchString(animationJob) {
		return nil
	}
	if _, err := exec.LookPath("gif2webp"); err != nil {
		fmt.Fprintf(b.w, "%s: not measured: %v\n\n", animationJob, err)
		return nil
	}
	photo, err := load(photos[0].path, false)
	if err != nil {
		return err
	}
	for _, a := range animations {
		in := filepath.Join(b.out, "animation.gif")
		err := writeAnimation(in, a.draw(photo))
		if err == nil {
			err = b.animated(animationJob+", "+a.name, in)
		}
		if err != nil {
			return fmt.Errorf("%s, %s: %w", animationJob, a.name, err)
		}
	}
	return nil
}

// animated measures one of them. Ours is written at qualities 30 to 95; bytes and CPU time
// at gif2webp's SSIM are read off that curve. Frames that are smaller as lossless ones are
// exact at every quality, so all of the curve may be above that SSIM: then the smallest file
// counts.
func (b *bench) animated(job, in string) error {
	lines := []string{"gif2webp -quiet -lossy $in -o $out"}
	for q := leastQuality; q <= mostQuality; q += qualityStep {
		lines = append(lines, fmt.Sprintf("scale -f webp -q %d -o $out 1 $in", q))
	}
	samples, cpus := make([]sample, len(lines)), make([][]time.Duration, len(lines))
	for range b.runs {
		for i, line := range lines {
			out := filepath.Join(b.out, fmt.Sprintf("animation%d.webp", i))
			used, err := runLine(line, in, out)
			if err != nil {
				return fmt.Errorf("%s: %w", line, err)
			}
			cpus[i] = append(cpus[i], used.CPU)
			if samples[i].ssim != 0 {
				continue
			}
			if samples[i].bytes, err = fileSize(out); err == nil {
				samples[i].ssim, err = b.framesAlike(in, out)
			}
			if err != nil {
				return err
			}
		}
	}
	for i := range samples {
		samples[i].cpu = median(cpus[i])
	}
	peer, curve := samples[0], samples[1:]
	fmt.Fprintf(b.w, "%s: %d frames of %d×%d; gif2webp -lossy: %d bytes, SSIM %.4f, CPU %.0f ms\n", job, animationFrames, animationW, animationH, peer.bytes, peer.ssim, ms(peer.cpu))
	bytes, cpu, err := at(curve, peer.ssim)
	if err != nil && curve[0].ssim > peer.ssim {
		least := slices.MinFunc(curve, func(a, b sample) int { return cmp.Compare(a.bytes, b.bytes) })
		bytes, cpu, err = float64(least.bytes), float64(least.cpu), nil
	}
	if err != nil {
		return err
	}
	b.passRatio(job, "bytes ÷ gif2webp -lossy at equal SSIM", bytes/float64(peer.bytes), 1.1)
	b.passRatio(job, "CPU ÷ gif2webp -lossy", cpu/float64(peer.cpu), 0.6)
	fmt.Fprintln(b.w)
	return nil
}

// framesAlike returns the mean SSIM of luma over every fifth frame of two animations.
func (b *bench) framesAlike(x, y string) (float64, error) {
	sum, n := 0.0, 0
	for frame := 1; frame <= animationFrames; frame += 5 {
		var lumas [2][]float64
		for i, file := range []string{x, y} {
			one := filepath.Join(b.out, "frame.ppm")
			if out, err := exec.Command("scale", "-f", "ppm", "-frame", fmt.Sprint(frame), "-o", one, "1", file).CombinedOutput(); err != nil {
				return 0, fmt.Errorf("%w: %s", err, out)
			}
			m, err := load(one, false)
			if err != nil {
				return 0, err
			}
			lumas[i] = m.luma()
		}
		s, err := ssim(lumas[0], lumas[1], animationW, animationH)
		if err != nil {
			return 0, err
		}
		sum, n = sum+s, n+1
	}
	return sum / float64(n), nil
}
