// Replaces the browser's fake camera by a picture in which everything moves, so that an encoder uses the rate it is given; and tells the page
// of a machine that can send it in layers, whatever the tests run on. Injected by the tests before the page's own scripts.
(() => {
  Object.defineProperty(navigator, "hardwareConcurrency", { value: 4 });
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 360];
    const context = canvas.getContext("2d");
    const coarse = new OffscreenCanvas(32, 18);
    const noise = coarse.getContext("2d");
    const pixels = noise.createImageData(32, 18);
    const draw = () => {
      pixels.data.forEach((_, i) => { pixels.data[i] = i % 4 === 3 ? 255 : Math.random() * 255; });
      noise.putImageData(pixels, 0, 0);
      context.drawImage(coarse, 0, 0, 640, 360);
    };
    draw();
    setInterval(draw, 1000 / 15);
    const voice = await open({ audio: true });
    return new MediaStream([...canvas.captureStream(15).getVideoTracks(), ...voice.getAudioTracks()]);
  };
})();
