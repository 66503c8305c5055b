using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Engine.Commands.TransportSessions;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <summary>A transport session as its owner sees it: encrypts what goes in, decrypts what comes out, and keeps the log that the TPM should have.</summary>
public sealed class TestTransport
{
    public const int AuthSize = 45;

    private TpmNonce _nonceOdd;
    private byte[] _h1 = [];

    public required uint Handle { get; init; }

    public required byte[] AuthData { get; init; }

    public required TpmTransportPublic Public { get; init; }

    /// <summary>transNonceEven of the last answer.</summary>
    public required TpmNonce NonceEven { get; set; }

    /// <summary>transDigest, as the session's owner works it out.</summary>
    public TpmDigest Digest { get; set; }

    /// <summary>The ticks of the last answer.</summary>
    public TpmCurrentTicks Ticks { get; set; }

    public bool Continue { get; set; } = true;

    /// <summary>What the answer said: whether the session goes on.</summary>
    public bool GoesOn { get; private set; } = true;

    private bool Encrypts => Public.TransAttributes.HasFlag(TpmTransportAttributes.Encrypt);

    /// <summary>A session that TPM_EstablishTransport has opened with <see cref="TestTpm.TransportAuth"/>; its log begins with that command.</summary>
    public static TestTransport Of(in EstablishTransportRequest request, in EstablishTransportResponse response)
    {
        var transport = new TestTransport
        {
            Handle = response.TransHandle,
            AuthData = TestTpm.TransportAuth,
            Public = request.TransPublic,
            NonceEven = response.TransNonceEven,
            Ticks = response.CurrentTicks,
        };
        byte[] input = SHA1.HashData((byte[])[0, 0, 0, 0xE6, .. WireFormat.ToBytes(request)[4..]]);
        byte[] output = SHA1.HashData((byte[])[0, 0, 0, 0, 0, 0, 0, 0xE6, .. WireFormat.ToBytes(response)[4..]]);
        transport.Log(new TpmTransportLogIn { Parameters = new TpmDigest(input) });
        transport.Log(new TpmTransportLogOut { Parameters = new TpmDigest(output), CurrentTicks = response.CurrentTicks, Locality = response.Locality });
        return transport;
    }

    /// <summary>TPM_ExecuteTransport around a command.</summary>
    /// <param name="command">The command, in the clear.</param>
    /// <param name="bareIn">Bytes behind its header that are neither encrypted nor logged.</param>
    /// <param name="pubKeyHash">What the log takes of the keys that its handles name.</param>
    /// <param name="nonceOdd">transNonceOdd.</param>
    public byte[] Wrap(byte[] command, int bareIn, TpmDigest pubKeyHash, TpmNonce nonceOdd)
    {
        _nonceOdd = nonceOdd;
        int sessions = command[1] - 0xC1;
        Range data = (10 + bareIn)..(command.Length - AuthSize * sessions);
        _h1 = SHA1.HashData((byte[])[.. command[6..10], .. command[data]]);
        Log(new TpmTransportLogIn { Parameters = new TpmDigest(_h1), PubKeyHash = pubKeyHash });
        byte[] wrapped = [.. command];
        Crypt("in"u8, NonceEven, wrapped.AsSpan()[data]);
        return Authorize(wrapped);
    }

    /// <summary>The outer command around what is encrypted already, for the H1 of the last <see cref="Wrap"/>.</summary>
    public byte[] Authorize(byte[] wrapped)
    {
        byte[] size = TestTpm.BigEndian((uint)wrapped.Length);
        byte[] digest = SHA1.HashData((byte[])[0, 0, 0, 0xE7, .. size, .. _h1]);
        byte goesOn = Continue ? (byte)1 : (byte)0;
        byte[] hmac = HMACSHA1.HashData(AuthData, (byte[])[.. digest, .. NonceEven.ReadOnlySpan, .. _nonceOdd.ReadOnlySpan, goesOn]);
        byte[] block = [.. TestTpm.BigEndian(Handle), .. _nonceOdd.ReadOnlySpan, goesOn, .. hmac];
        byte[] total = TestTpm.BigEndian((uint)(10 + 4 + wrapped.Length + AuthSize));
        return [0, 0xC2, .. total, 0, 0, 0, 0xE7, .. size, .. wrapped, .. block];
    }

    /// <summary>
    /// What the HMAC of TPM_ExecuteTransport is over, for a command without handles and sessions in a session that does not encrypt; of malformed
    /// parameters any digest.
    /// </summary>
    public static byte[] InParamDigest(ReadOnlySpan<byte> parameters)
    {
        byte[] h1 = parameters.Length < 14 ? [] : SHA1.HashData(parameters[10..]);
        return SHA1.HashData((byte[])[0, 0, 0, 0xE7, .. parameters[..Math.Min(4, parameters.Length)], .. h1]);
    }

    /// <summary>Checks the answer to TPM_ExecuteTransport, and decrypts the one to the command in it.</summary>
    public byte[] Unwrap(byte[] answer, TpmOrdinal ordinal, int bareOut)
    {
        ulong ticks = BinaryPrimitives.ReadUInt64BigEndian(answer.AsSpan(10));
        byte[] locality = answer[18..22], size = answer[22..26], wrapped = answer[26..^41];
        if (BinaryPrimitives.ReadInt32BigEndian(size) != wrapped.Length) throw new InvalidOperationException("wrappedRspSize is wrong");
        TpmNonce nonceEven = new(answer.AsSpan(answer.Length - 41, 20));
        GoesOn = answer[^21] == 1;
        int sessions = wrapped[1] - 0xC4;
        int start = 10 + bareOut, end = wrapped.Length - 41 * sessions;
        byte[] response = [.. wrapped];
        if (start < end) Crypt("out"u8, nonceEven, response.AsSpan(start..end));
        byte[] data = start < end ? response[start..end] : [];
        byte[] h2 = SHA1.HashData((byte[])[.. response[6..10], .. TestTpm.BigEndian((uint)ordinal), .. data]);
        byte[] digest = SHA1.HashData((byte[])[0, 0, 0, 0, 0, 0, 0, 0xE7, .. answer[10..18], .. locality, .. size, .. h2]);
        byte[] hmac = HMACSHA1.HashData(AuthData, (byte[])[.. digest, .. nonceEven.ReadOnlySpan, .. _nonceOdd.ReadOnlySpan, answer[^21]]);
        if (!hmac.AsSpan().SequenceEqual(answer.AsSpan(answer.Length - 20))) throw new InvalidOperationException("the response's HMAC is wrong");
        NonceEven = nonceEven;
        Ticks = Ticks with { CurrentTicks = ticks };
        Log(new TpmTransportLogOut { Parameters = new TpmDigest(h2), CurrentTicks = Ticks, Locality = BinaryPrimitives.ReadUInt32BigEndian(locality) });
        return response;
    }

    /// <summary>Extends the log, where the session has one.</summary>
    public void Log<T>(T entry)
        where T : struct, IWireStructure<T>
    {
        if (Public.TransAttributes.HasFlag(TpmTransportAttributes.Log))
            Digest = new TpmDigest(SHA1.HashData((byte[])[.. Digest.ReadOnlySpan, .. WireFormat.ToBytes(entry)]));
    }

    private void Crypt(ReadOnlySpan<byte> direction, TpmNonce nonceEven, Span<byte> data)
    {
        if (!Encrypts) return;
        byte[] nonces = [.. nonceEven.ReadOnlySpan, .. _nonceOdd.ReadOnlySpan, .. direction];
        byte[] stream = Public.AlgId == TpmAlgorithmId.Mgf1 ? Mgf1([.. nonces, .. AuthData], data.Length) : AesStream(Mgf1(nonces, 16), data.Length);
        for (int i = 0; i < data.Length; i++) data[i] ^= stream[i];
    }

    private byte[] AesStream(byte[] first, int length)
    {
        using var aes = Aes.Create();
        aes.SetKey(AuthData.AsSpan(0, 16));
        byte[] stream = [], block = first;
        while (stream.Length < length)
        {
            byte[] encrypted = aes.EncryptEcb(block, PaddingMode.None);
            stream = [.. stream, .. encrypted];
            if (Public.EncScheme == TpmEncScheme.SymOfb) block = encrypted;
            else BinaryPrimitives.WriteUInt32BigEndian(block.AsSpan(12), unchecked(BinaryPrimitives.ReadUInt32BigEndian(block.AsSpan(12)) + 1));
        }

        return stream;
    }

    private static byte[] Mgf1(byte[] seed, int length)
    {
        byte[] mask = [];
        for (uint counter = 0; mask.Length < length; counter++) mask = [.. mask, .. SHA1.HashData((byte[])[.. seed, .. TestTpm.BigEndian(counter)])];
        return mask[..length];
    }
}
