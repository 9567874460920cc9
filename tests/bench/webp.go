package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// animationJob is the name of the row, for -only.
const animationJob = "WebP animation"

// animation measures a GIF of 30 frames as lossy WebP, beside gif2webp. Ours is written at
// qualities 30 to 95; bytes and CPU time at gif2webp's SSIM are read off that curve.
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
	in, out := filepath.Join(b.out, "discs.gif"), filepath.Join(b.out, "discs.webp")
	if err := writeDiscs(in, photo); err != nil {
		return err
	}
	make := func(line string) (s sample, err error) {
		var cpus []time.Duration
		for range b.runs {
			used, err := runLine(line, in, out)
			if err != nil {
				return s, fmt.Errorf("%s: %w", line, err)
			}
			cpus = append(cpus, used.CPU)
		}
		s.cpu = median(cpus)
		if s.bytes, err = fileSize(out); err == nil {
			s.ssim, err = b.framesAlike(in, out)
		}
		return s, err
	}
	peer, err := make("gif2webp -quiet -lossy $in -o $out")
	if err != nil {
		return err
	}
	var curve []sample
	for q := leastQuality; q <= mostQuality; q += qualityStep {
		s, err := make(fmt.Sprintf("scale -f webp -q %d -o $out 1 $in", q))
		if err != nil {
			return err
		}
		curve = append(curve, s)
	}
	fmt.Fprintf(b.w, "%s: 30 frames of %d×%d; gif2webp -lossy: %d bytes, SSIM %.4f, CPU %.0f ms\n", animationJob, discW, discH, peer.bytes, peer.ssim, ms(peer.cpu))
	bytes, cpu, err := at(curve, peer.ssim)
	if err != nil {
		return fmt.Errorf("%s: %w", animationJob, err)
	}
	b.passRatio(animationJob, "bytes ÷ gif2webp -lossy at equal SSIM", bytes/float64(peer.bytes), 1.1)
	b.passRatio(animationJob, "CPU ÷ gif2webp -lossy", cpu/float64(peer.cpu), 0.6)
	fmt.Fprintln(b.w)
	return nil
}

// framesAlike returns the mean SSIM of luma over every fifth frame of two animations.
func (b *bench) framesAlike(x, y string) (float64, error) {
	sum, n := 0.0, 0
	for frame := 1; frame <= discFrames; frame += 5 {
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
		s, err := ssim(lumas[0], lumas[1], discW, discH)
		if err != nil {
			return 0, err
		}
		sum, n = sum+s, n+1
	}
	return sum / float64(n), nil
}
