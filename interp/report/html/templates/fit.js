const page = this.contentDocument.body;
const fit = () => { this.style.height = Math.ceil(page.getBoundingClientRect().height) + 'px'; };
new ResizeObserver(fit).observe(page);
fit();
