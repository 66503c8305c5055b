using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Differential.Sides;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Steps;

/// <summary>Writes the handles and parameters of a command for one side.</summary>
public sealed class RequestWriter(SideMemory memory, IReadOnlyList<SessionUse> sessions)
{
    private readonly List<byte> _bytes = [];
    private readonly List<int> _literals = [];

    public SideMemory Memory => memory;

    public int Length => _bytes.Count;

    public byte[] ToArray() => [.. _bytes];

    /// <summary>Flips a bit of what is the same on both sides.</summary>
    public void FlipLiteral(int bit, int from)
    {
        int[] candidates = [.. _literals.Where(index => index >= from)];
        if (candidates.Length == 0) return;
        _bytes[candidates[bit / 8 % candidates.Length]] ^= (byte)(1 << bit % 8);
    }

    public void Truncate(int count) => _bytes.RemoveRange(Math.Max(0, _bytes.Count - count), Math.Min(count, _bytes.Count));

    public void UInt8(int value) => Literal([(byte)value]);

    public void UInt16(int value) => Literal([(byte)(value >> 8), (byte)value]);

    public void UInt32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        Literal(bytes);
    }

    /// <summary>Bytes that are the same on both sides.</summary>
    public void Literal(ReadOnlySpan<byte> bytes)
    {
        _literals.AddRange(Enumerable.Range(_bytes.Count, bytes.Length));
        _bytes.AddRange(bytes);
    }

    public void Sized32(ReadOnlySpan<byte> bytes)
    {
        UInt32((uint)bytes.Length);
        Literal(bytes);
    }

    public void Structure<T>(T value)
        where T : struct, IWireStructure<T> => Literal(WireFormat.ToBytes(value));

    /// <summary>Bytes that each side has its own of: no mutation touches them.</summary>
    public void Own(ReadOnlySpan<byte> bytes) => _bytes.AddRange(bytes);

    public void OwnSized32(ReadOnlySpan<byte> bytes)
    {
        Span<byte> size = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(size, bytes.Length);
        Own(size);
        Own(bytes);
    }

    public void OwnHandle(uint handle)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, handle);
        Own(bytes);
    }

    public void Key(int key) => OwnHandle(memory.KeyHandle(key));

    public void Blob(int blob) => Own(memory.Blob(blob));

    /// <summary>New authorization data, encrypted with session <paramref name="use"/> of the command (Part 1 §14).</summary>
    public void EncAuth(byte[] secret, int use = 0, bool odd = false) => Own(Encrypt(secret, use, odd));

    /// <summary>RSAES-OAEP for a key of this side.</summary>
    public byte[] EncryptFor(int key, ReadOnlySpan<byte> message)
    {
        byte[] modulus = memory.Modulus(key);
        byte[] output = new byte[modulus.Length];
        return new FixedRsa().EncryptOaep(modulus, 65537, message, "TCPA"u8, output) ? output : new byte[modulus.Length];
    }

    /// <summary>RSAES-PKCS1-v1_5 for a key of this side.</summary>
    public byte[] EncryptPkcs1For(int key, byte[] message)
    {
        byte[] modulus = memory.Modulus(key);
        if (message.Length > modulus.Length - 11) return new byte[modulus.Length];
        using RSA rsa = RSA.Create(new RSAParameters { Modulus = modulus, Exponent = [1, 0, 1] });
        return rsa.Encrypt(message, RSAEncryptionPadding.Pkcs1);
    }

    private byte[] Encrypt(byte[] secret, int use, bool odd)
    {
        if (use >= sessions.Count || memory.Sessions.GetValueOrDefault(sessions[use].Session) is not { SharedSecret: { } shared } session) return secret;
        ReadOnlySpan<byte> nonce = odd ? session.NonceOdd : session.NonceEven.ReadOnlySpan;
        byte[] pad = SHA1.HashData((byte[])[.. shared, .. nonce]);
        return [.. secret.Select((value, i) => (byte)(value ^ pad[i]))];
    }
}
