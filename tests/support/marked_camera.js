// Replaces the browser's fake devices by a picture and a sound that flash and beep at the same instants, once a second for 0.2 s, and that show
// a moving bar, so that a test can measure by how much a recording pulls them apart. Injected by the tests before the page's own scripts.
(() => {
  const BEEP_S = 0.2;
  navigator.mediaDevices.getUserMedia = async () => {
    const audio = new AudioContext();
    await audio.resume();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 360];
    const context = canvas.getContext("2d");
    let frame = 0;
    const draw = () => {
      const on = audio.currentTime % 1 < BEEP_S;
      context.fillStyle = on ? "#ffffff" : "#202020";
      context.fillRect(0, 0, 640, 360);
      context.fillStyle = on ? "#205080" : "#80b0e0";
      context.fillRect((frame++ * 8) % 600, 160, 40, 40);
    };
    draw();
    setInterval(draw, 1000 / 30);
    const tone = new OscillatorNode(audio, { frequency: 880 });
    const gain = new GainNode(audio, { gain: 0 });
    const start = Math.ceil(audio.currentTime);
    for (let second = start; second < start + 600; second++) {
      gain.gain.setValueAtTime(0.5, second);
      gain.gain.setValueAtTime(0, second + BEEP_S);
    }
    const sink = audio.createMediaStreamDestination();
    tone.connect(gain).connect(sink);
    tone.start();
    return new MediaStream([...canvas.captureStream(30).getVideoTracks(), ...sink.stream.getAudioTracks()]);
  };
})();
