using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>
/// An authorization session (Part 1 §18): its handle, the nonces that roll with every command, and the key of the HMACs, which is the entity's
/// secret (OIAP) or shared for the session (OSAP). One command ends it unless <see cref="Continue"/> is set.
/// </summary>
public sealed class TpmSession : IDisposable
{
    private readonly TpmClient _client;
    private readonly byte[] _key;
    private State _state = State.Open;
    private TpmNonce _nonceEven;
    private TpmNonce _nonceOdd;

    internal TpmSession(TpmClient client, uint handle, TpmNonce nonceEven, ReadOnlySpan<byte> key)
    {
        _client = client;
        Handle = handle;
        _nonceEven = nonceEven;
        _key = GC.AllocateArray<byte>(TpmAuthData.Size, pinned: true);
        key.CopyTo(_key);
        RandomNumberGenerator.Fill(_nonceOdd.Span);
    }

    private enum State
    {
        Open,

        /// <summary>A command failed: most failures end the session, a few do not.</summary>
        Doubtful,
        Closed,
    }

    public uint Handle { get; }

    /// <summary>Whether the session is to go on after the next command.</summary>
    public bool Continue { get; set; }

    /// <summary>Whether it can authorize one more command.</summary>
    public bool IsOpen => _state == State.Open;

    internal ReadOnlySpan<byte> NonceOdd => _nonceOdd.ReadOnlySpan;

    /// <summary>
    /// Encrypts new authorization data by XOR (ADIP, Part 1 §18.5): the first of a command with the even nonce, the second with the odd one.
    /// </summary>
    internal TpmAuthData Encrypt(TpmSecret secret, bool second = false)
    {
        Span<byte> pad = stackalloc byte[TpmAuthData.Size];
        using (var sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1))
        {
            sha1.AppendData(_key);
            sha1.AppendData(second ? _nonceOdd.ReadOnlySpan : _nonceEven.ReadOnlySpan);
            sha1.GetHashAndReset(pad);
        }

        TpmAuthData encrypted = default;
        for (int i = 0; i < TpmAuthData.Size; i++) encrypted[i] = (byte)(secret.Span[i] ^ pad[i]);
        CryptographicOperations.ZeroMemory(pad);
        return encrypted;
    }

    /// <summary>The HMAC over a command (with this side's nonces and flag).</summary>
    internal void Authorize(ReadOnlySpan<byte> parametersDigest, Span<byte> hmac)
    {
        if (_state != State.Open) throw new InvalidOperationException("the session has ended: open another one for each command, or set Continue");
        Mac(parametersDigest, Continue, hmac);
    }

    /// <summary>Takes the session's part of a response; false when its HMAC is wrong.</summary>
    internal bool Accept(ReadOnlySpan<byte> parametersDigest, ReadOnlySpan<byte> block)
    {
        _nonceEven = new TpmNonce(block[..TpmNonce.Size]);
        bool goesOn = block[TpmNonce.Size] != 0;
        Span<byte> expected = stackalloc byte[TpmAuthData.Size];
        Mac(parametersDigest, goesOn, expected);
        bool genuine = CryptographicOperations.FixedTimeEquals(expected, block[(TpmNonce.Size + 1)..]);
        RandomNumberGenerator.Fill(_nonceOdd.Span);
        _state = !genuine ? State.Doubtful : goesOn ? State.Open : State.Closed;
        return genuine;
    }

    /// <summary>A command with this session failed.</summary>
    internal void Doubt() => _state = State.Doubtful;

    /// <summary>The link failed: nothing more can be said to the TPM.</summary>
    internal void Abandon() => _state = State.Closed;

    /// <summary>Zeroes the key, and ends a session that may still be open in the TPM.</summary>
    public void Dispose()
    {
        if (_state != State.Closed) _client.EndQuietly(this);
        _state = State.Closed;
        CryptographicOperations.ZeroMemory(_key);
    }

    private void Mac(ReadOnlySpan<byte> parametersDigest, bool goesOn, Span<byte> hmac)
    {
        Span<byte> input = stackalloc byte[TpmDigest.Size + TpmNonce.Size + TpmNonce.Size + 1];
        parametersDigest.CopyTo(input);
        _nonceEven.ReadOnlySpan.CopyTo(input[TpmDigest.Size..]);
        _nonceOdd.ReadOnlySpan.CopyTo(input[(TpmDigest.Size + TpmNonce.Size)..]);
        input[^1] = goesOn ? (byte)1 : (byte)0;
        HMACSHA1.HashData(_key, input, hmac);
    }
}
