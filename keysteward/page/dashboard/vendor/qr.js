// node_modules/uqr/dist/index.mjs
var e = /* @__PURE__ */ ((e) => (e[e.Border = -1] = "Border", e[e.Data = 0] = "Data", e[e.Function = 1] = "Function", e[e.Position = 2] = "Position", e[e.Timing = 3] = "Timing", e[e.Alignment = 4] = "Alignment", e))(e || {}), t = [0, 1], n = [1, 0], r = [2, 3], i = [3, 2], a = {
	L: t,
	M: n,
	Q: r,
	H: i
}, o = /^\d*$/, s = /^[A-Z0-9 $%*+./:-]*$/, c = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", l = 1, u = 40, d = 3, f = 3, p = 40, m = 10, h = [
	[
		-1,
		7,
		10,
		15,
		20,
		26,
		18,
		20,
		24,
		30,
		18,
		20,
		24,
		26,
		30,
		22,
		24,
		28,
		30,
		28,
		28,
		28,
		28,
		30,
		30,
		26,
		28,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30
	],
	[
		-1,
		10,
		16,
		26,
		18,
		24,
		16,
		18,
		22,
		22,
		26,
		30,
		22,
		22,
		24,
		24,
		28,
		28,
		26,
		26,
		26,
		26,
		28,
		28,
		28,
		28,
		28,
		28,
		28,
		28,
		28,
		28,
		28,
		28,
		28,
		28,
		28,
		28,
		28,
		28,
		28
	],
	[
		-1,
		13,
		22,
		18,
		26,
		18,
		24,
		18,
		22,
		20,
		24,
		28,
		26,
		24,
		20,
		30,
		24,
		28,
		28,
		26,
		30,
		28,
		30,
		30,
		30,
		30,
		28,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30
	],
	[
		-1,
		17,
		28,
		22,
		16,
		22,
		28,
		26,
		26,
		24,
		28,
		24,
		28,
		22,
		24,
		24,
		30,
		28,
		28,
		26,
		28,
		30,
		24,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30,
		30
	]
], g = [
	[
		-1,
		1,
		1,
		1,
		1,
		1,
		2,
		2,
		2,
		2,
		4,
		4,
		4,
		4,
		4,
		6,
		6,
		6,
		6,
		7,
		8,
		8,
		9,
		9,
		10,
		12,
		12,
		12,
		13,
		14,
		15,
		16,
		17,
		18,
		19,
		19,
		20,
		21,
		22,
		24,
		25
	],
	[
		-1,
		1,
		1,
		1,
		2,
		2,
		4,
		4,
		4,
		5,
		5,
		5,
		8,
		9,
		9,
		10,
		10,
		11,
		13,
		14,
		16,
		17,
		17,
		18,
		20,
		21,
		23,
		25,
		26,
		28,
		29,
		31,
		33,
		35,
		37,
		38,
		40,
		43,
		45,
		47,
		49
	],
	[
		-1,
		1,
		1,
		2,
		2,
		4,
		4,
		6,
		6,
		8,
		8,
		8,
		10,
		12,
		16,
		12,
		17,
		16,
		18,
		21,
		20,
		23,
		23,
		25,
		27,
		29,
		34,
		34,
		35,
		38,
		40,
		43,
		45,
		48,
		51,
		53,
		56,
		59,
		62,
		65,
		68
	],
	[
		-1,
		1,
		1,
		2,
		4,
		4,
		4,
		5,
		6,
		8,
		8,
		11,
		11,
		16,
		16,
		18,
		16,
		19,
		21,
		25,
		25,
		25,
		34,
		30,
		32,
		35,
		37,
		40,
		42,
		45,
		48,
		51,
		54,
		57,
		60,
		63,
		66,
		70,
		74,
		77,
		81
	]
], _ = class {
	constructor(e, t, n, r) {
		if (this.version = e, this.ecc = t, e < l || e > u) throw RangeError("Version value out of range");
		if (r < -1 || r > 7) throw RangeError("Mask value out of range");
		this.size = e * 4 + 17;
		let i = Array.from({ length: this.size }).fill(!1);
		for (let e = 0; e < this.size; e++) this.modules.push(i.slice()), this.types.push(i.map(() => 0));
		this.drawFunctionPatterns();
		let a = this.addEccAndInterleave(n);
		if (this.drawCodewords(a), r === -1) {
			let e = 1e9;
			for (let t = 0; t < 8; t++) {
				this.applyMask(t), this.drawFormatBits(t);
				let n = this.getPenaltyScore();
				n < e && (r = t, e = n), this.applyMask(t);
			}
		}
		this.mask = r, this.applyMask(r), this.drawFormatBits(r);
	}
	size;
	mask;
	modules = [];
	types = [];
	getModule(e, t) {
		return e >= 0 && e < this.size && t >= 0 && t < this.size && this.modules[t][e];
	}
	drawFunctionPatterns() {
		for (let t = 0; t < this.size; t++) this.setFunctionModule(6, t, t % 2 == 0, e.Timing), this.setFunctionModule(t, 6, t % 2 == 0, e.Timing);
		this.drawFinderPattern(3, 3), this.drawFinderPattern(this.size - 4, 3), this.drawFinderPattern(3, this.size - 4);
		let t = this.getAlignmentPatternPositions(), n = t.length;
		for (let e = 0; e < n; e++) for (let r = 0; r < n; r++) e === 0 && r === 0 || e === 0 && r === n - 1 || e === n - 1 && r === 0 || this.drawAlignmentPattern(t[e], t[r]);
		this.drawFormatBits(0), this.drawVersion();
	}
	drawFormatBits(e) {
		let t = this.ecc[1] << 3 | e, n = t;
		for (let e = 0; e < 10; e++) n = n << 1 ^ (n >>> 9) * 1335;
		let r = (t << 10 | n) ^ 21522;
		for (let e = 0; e <= 5; e++) this.setFunctionModule(8, e, y(r, e));
		this.setFunctionModule(8, 7, y(r, 6)), this.setFunctionModule(8, 8, y(r, 7)), this.setFunctionModule(7, 8, y(r, 8));
		for (let e = 9; e < 15; e++) this.setFunctionModule(14 - e, 8, y(r, e));
		for (let e = 0; e < 8; e++) this.setFunctionModule(this.size - 1 - e, 8, y(r, e));
		for (let e = 8; e < 15; e++) this.setFunctionModule(8, this.size - 15 + e, y(r, e));
		this.setFunctionModule(8, this.size - 8, !0);
	}
	drawVersion() {
		if (this.version < 7) return;
		let e = this.version;
		for (let t = 0; t < 12; t++) e = e << 1 ^ (e >>> 11) * 7973;
		let t = this.version << 12 | e;
		for (let e = 0; e < 18; e++) {
			let n = y(t, e), r = this.size - 11 + e % 3, i = Math.floor(e / 3);
			this.setFunctionModule(r, i, n), this.setFunctionModule(i, r, n);
		}
	}
	drawFinderPattern(t, n) {
		for (let r = -4; r <= 4; r++) for (let i = -4; i <= 4; i++) {
			let a = Math.max(Math.abs(i), Math.abs(r)), o = t + i, s = n + r;
			o >= 0 && o < this.size && s >= 0 && s < this.size && this.setFunctionModule(o, s, a !== 2 && a !== 4, e.Position);
		}
	}
	drawAlignmentPattern(t, n) {
		for (let r = -2; r <= 2; r++) for (let i = -2; i <= 2; i++) this.setFunctionModule(t + i, n + r, Math.max(Math.abs(i), Math.abs(r)) !== 1, e.Alignment);
	}
	setFunctionModule(t, n, r, i = e.Function) {
		this.modules[n][t] = r, this.types[n][t] = i;
	}
	addEccAndInterleave(e) {
		let t = this.version, n = this.ecc;
		if (e.length !== P(t, n)) throw RangeError("Invalid argument");
		let r = g[n[0]][t], i = h[n[0]][t], a = Math.floor(N(t) / 8), o = r - a % r, s = Math.floor(a / r), c = [], l = F(i);
		for (let t = 0, n = 0; t < r; t++) {
			let r = e.slice(n, n + s - i + (t < o ? 0 : 1));
			n += r.length;
			let a = I(r, l);
			t < o && r.push(0), c.push(r.concat(a));
		}
		let u = [];
		for (let e = 0; e < c[0].length; e++) c.forEach((t, n) => {
			(e !== s - i || n >= o) && u.push(t[e]);
		});
		return u;
	}
	drawCodewords(e) {
		if (e.length !== Math.floor(N(this.version) / 8)) throw RangeError("Invalid argument");
		let t = 0;
		for (let n = this.size - 1; n >= 1; n -= 2) {
			n === 6 && (n = 5);
			for (let r = 0; r < this.size; r++) for (let i = 0; i < 2; i++) {
				let a = n - i, o = n + 1 & 2 ? r : this.size - 1 - r;
				!this.types[o][a] && t < e.length * 8 && (this.modules[o][a] = y(e[t >>> 3], 7 - (t & 7)), t++);
			}
		}
	}
	applyMask(e) {
		if (e < 0 || e > 7) throw RangeError("Mask value out of range");
		for (let t = 0; t < this.size; t++) for (let n = 0; n < this.size; n++) {
			let r;
			switch (e) {
				case 0:
					r = (n + t) % 2 == 0;
					break;
				case 1:
					r = t % 2 == 0;
					break;
				case 2:
					r = n % 3 == 0;
					break;
				case 3:
					r = (n + t) % 3 == 0;
					break;
				case 4:
					r = (Math.floor(n / 3) + Math.floor(t / 2)) % 2 == 0;
					break;
				case 5:
					r = n * t % 2 + n * t % 3 == 0;
					break;
				case 6:
					r = (n * t % 2 + n * t % 3) % 2 == 0;
					break;
				case 7:
					r = ((n + t) % 2 + n * t % 3) % 2 == 0;
					break;
				default: throw Error("Unreachable");
			}
			!this.types[t][n] && r && (this.modules[t][n] = !this.modules[t][n]);
		}
	}
	getPenaltyScore() {
		let e = 0;
		for (let t = 0; t < this.size; t++) {
			let n = !1, r = 0, i = [
				0,
				0,
				0,
				0,
				0,
				0,
				0
			];
			for (let a = 0; a < this.size; a++) this.modules[t][a] === n ? (r++, r === 5 ? e += d : r > 5 && e++) : (this.finderPenaltyAddHistory(r, i), n || (e += this.finderPenaltyCountPatterns(i) * p), n = this.modules[t][a], r = 1);
			e += this.finderPenaltyTerminateAndCount(n, r, i) * p;
		}
		for (let t = 0; t < this.size; t++) {
			let n = !1, r = 0, i = [
				0,
				0,
				0,
				0,
				0,
				0,
				0
			];
			for (let a = 0; a < this.size; a++) this.modules[a][t] === n ? (r++, r === 5 ? e += d : r > 5 && e++) : (this.finderPenaltyAddHistory(r, i), n || (e += this.finderPenaltyCountPatterns(i) * p), n = this.modules[a][t], r = 1);
			e += this.finderPenaltyTerminateAndCount(n, r, i) * p;
		}
		for (let t = 0; t < this.size - 1; t++) for (let n = 0; n < this.size - 1; n++) {
			let r = this.modules[t][n];
			r === this.modules[t][n + 1] && r === this.modules[t + 1][n] && r === this.modules[t + 1][n + 1] && (e += f);
		}
		let t = 0;
		for (let e of this.modules) t = e.reduce((e, t) => e + +!!t, t);
		let n = this.size * this.size, r = Math.ceil(Math.abs(t * 20 - n * 10) / n) - 1;
		return e += r * m, e;
	}
	getAlignmentPatternPositions() {
		if (this.version === 1) return [];
		{
			let e = Math.floor(this.version / 7) + 2, t = this.version === 32 ? 26 : Math.ceil((this.version * 4 + 4) / (e * 2 - 2)) * 2, n = [6];
			for (let r = this.size - 7; n.length < e; r -= t) n.splice(1, 0, r);
			return n;
		}
	}
	finderPenaltyCountPatterns(e) {
		let t = e[1], n = t > 0 && e[2] === t && e[3] === t * 3 && e[4] === t && e[5] === t;
		return (n && e[0] >= t * 4 && e[6] >= t ? 1 : 0) + (n && e[6] >= t * 4 && e[0] >= t ? 1 : 0);
	}
	finderPenaltyTerminateAndCount(e, t, n) {
		return e && (this.finderPenaltyAddHistory(t, n), t = 0), t += this.size, this.finderPenaltyAddHistory(t, n), this.finderPenaltyCountPatterns(n);
	}
	finderPenaltyAddHistory(e, t) {
		t[0] === 0 && (e += this.size), t.pop(), t.unshift(e);
	}
};
function v(e, t, n) {
	if (t < 0 || t > 31 || e >>> t) throw RangeError("Value out of range");
	for (let r = t - 1; r >= 0; r--) n.push(e >>> r & 1);
}
function y(e, t) {
	return !!(e >>> t & 1);
}
var b = class {
	constructor(e, t, n) {
		if (this.mode = e, this.numChars = t, this.bitData = n, t < 0) throw RangeError("Invalid argument");
		this.bitData = n.slice();
	}
	getData() {
		return this.bitData.slice();
	}
}, x = [
	1,
	10,
	12,
	14
], S = [
	2,
	9,
	11,
	13
], C = [
	4,
	8,
	16,
	16
];
function w(e, t) {
	return e[Math.floor((t + 7) / 17) + 1];
}
function T(e) {
	let t = [];
	for (let n of e) v(n, 8, t);
	return new b(C, e.length, t);
}
function E(e) {
	if (!k(e)) throw RangeError("String contains non-numeric characters");
	let t = [];
	for (let n = 0; n < e.length;) {
		let r = Math.min(e.length - n, 3);
		v(Number.parseInt(e.substring(n, n + r), 10), r * 3 + 1, t), n += r;
	}
	return new b(x, e.length, t);
}
function D(e) {
	if (!A(e)) throw RangeError("String contains unencodable characters in alphanumeric mode");
	let t = [], n = 0;
	for (; n + 2 <= e.length; n += 2) {
		let r = c.indexOf(e.charAt(n)) * 45;
		r += c.indexOf(e.charAt(n + 1)), v(r, 11, t);
	}
	return n < e.length && v(c.indexOf(e.charAt(n)), 6, t), new b(S, e.length, t);
}
function O(e) {
	return e === "" ? [] : k(e) ? [E(e)] : A(e) ? [D(e)] : [T(M(e))];
}
function k(e) {
	return o.test(e);
}
function A(e) {
	return s.test(e);
}
function j(e, t) {
	let n = 0;
	for (let r of e) {
		let e = w(r.mode, t);
		if (r.numChars >= 1 << e) return Infinity;
		n += 4 + e + r.bitData.length;
	}
	return n;
}
function M(e) {
	e = encodeURI(e);
	let t = [];
	for (let n = 0; n < e.length; n++) e.charAt(n) === "%" ? (t.push(Number.parseInt(e.substring(n + 1, n + 3), 16)), n += 2) : t.push(e.charCodeAt(n));
	return t;
}
function N(e) {
	if (e < l || e > u) throw RangeError("Version number out of range");
	let t = (16 * e + 128) * e + 64;
	if (e >= 2) {
		let n = Math.floor(e / 7) + 2;
		t -= (25 * n - 10) * n - 55, e >= 7 && (t -= 36);
	}
	return t;
}
function P(e, t) {
	return Math.floor(N(e) / 8) - h[t[0]][e] * g[t[0]][e];
}
function F(e) {
	if (e < 1 || e > 255) throw RangeError("Degree out of range");
	let t = [];
	for (let n = 0; n < e - 1; n++) t.push(0);
	t.push(1);
	let n = 1;
	for (let r = 0; r < e; r++) {
		for (let e = 0; e < t.length; e++) t[e] = L(t[e], n), e + 1 < t.length && (t[e] ^= t[e + 1]);
		n = L(n, 2);
	}
	return t;
}
function I(e, t) {
	let n = t.map((e) => 0);
	for (let r of e) {
		let e = r ^ n.shift();
		n.push(0), t.forEach((t, r) => n[r] ^= L(t, e));
	}
	return n;
}
function L(e, t) {
	if (e >>> 8 || t >>> 8) throw RangeError("Byte out of range");
	let n = 0;
	for (let r = 7; r >= 0; r--) n = n << 1 ^ (n >>> 7) * 285, n ^= (t >>> r & 1) * e;
	return n;
}
function R(e, t, a = 1, o = 40, s = -1, c = !0) {
	if (!(l <= a && a <= o && o <= u) || s < -1 || s > 7) throw RangeError("Invalid value");
	let d, f;
	for (d = a;; d++) {
		let n = P(d, t) * 8, r = j(e, d);
		if (r <= n) {
			f = r;
			break;
		}
		if (d >= o) throw RangeError("Data too long");
	}
	for (let e of [
		n,
		r,
		i
	]) c && f <= P(d, e) * 8 && (t = e);
	let p = [];
	for (let t of e) {
		v(t.mode[0], 4, p), v(t.numChars, w(t.mode, d), p);
		for (let e of t.getData()) p.push(e);
	}
	let m = P(d, t) * 8;
	v(0, Math.min(4, m - p.length), p), v(0, (8 - p.length % 8) % 8, p);
	for (let e = 236; p.length < m; e ^= 253) v(e, 8, p);
	let h = Array.from({ length: Math.ceil(p.length / 8) }, () => 0);
	return p.forEach((e, t) => h[t >>> 3] |= e << 7 - (t & 7)), new _(d, t, h, s);
}
function z(e, t) {
	let { ecc: n = "L", boostEcc: r = !1, minVersion: i = 1, maxVersion: o = 40, maskPattern: s = -1, border: c = 1 } = t || {}, l = typeof e == "string" ? O(e) : Array.isArray(e) ? [T(e)] : void 0;
	if (!l) throw Error(`uqr only supports encoding string and binary data, but got: ${typeof e}`);
	let u = R(l, a[n], i, o, s, r), d = B({
		version: u.version,
		maskPattern: u.mask,
		size: u.size,
		data: u.modules,
		types: u.types
	}, c);
	return t?.invert && (d.data = d.data.map((e) => e.map((e) => !e))), t?.onEncoded?.(d), d;
}
function B(t, n = 1) {
	if (!n) return t;
	let { size: r } = t, i = r + n * 2;
	t.size = i, t.data.forEach((e) => {
		for (let t = 0; t < n; t++) e.unshift(!1), e.push(!1);
	});
	for (let e = 0; e < n; e++) t.data.unshift(Array.from({ length: i }, (e) => !1)), t.data.push(Array.from({ length: i }, (e) => !1));
	let a = e.Border;
	t.types.forEach((e) => {
		for (let t = 0; t < n; t++) e.unshift(a), e.push(a);
	});
	for (let e = 0; e < n; e++) t.types.unshift(Array.from({ length: i }, (e) => a)), t.types.push(Array.from({ length: i }, (e) => a));
	return t;
}
export { z as encode };
