using System.Security.Cryptography;

namespace Vtpm.Client;

/// <summary><c>TPM_SE</c> (TPM 2.0 Part 2 §6.11).</summary>
public enum TpmSe : byte
{
    Hmac = 0,
    Policy = 1,
}

/// <summary>Which first parameters a session encrypts.</summary>
[Flags]
public enum Tpm2Encryption
{
    None = 0,

    /// <summary>TPMA_SESSION's <c>decrypt</c>: the command's.</summary>
    Command = 0x20,

    /// <summary>TPMA_SESSION's <c>encrypt</c>: the response's.</summary>
    Response = 0x40,
}

/// <summary>
/// An authorization session of TPM 2.0 (Part 1 §19.6): its key, which only the TPM with the salt's key knows, and the nonces that roll with every
/// command. The next command ends it unless <see cref="Continue"/> is set; disposing of it ends it otherwise.
/// </summary>
public sealed class Tpm2Session : IDisposable
{
    private const byte ContinueSession = 0x01;
    private const int BlockSize = 16;

    private readonly Tpm2Client _client;
    private readonly TpmSe _type;
    private readonly byte[] _key;
    private byte[] _nonceTpm;
    private byte[] _nonceCaller;
    private State _state = State.Open;

    /// <param name="client">Whose it is.</param>
    /// <param name="handle">The TPM's name for it.</param>
    /// <param name="type">What it authorizes by.</param>
    /// <param name="hash">Its hash function.</param>
    /// <param name="salt">The secret that only this TPM can have read; empty where there was no key yet to encrypt it to.</param>
    /// <param name="nonceTpm">The TPM's first nonce.</param>
    /// <param name="nonceCaller">Ours.</param>
    internal Tpm2Session(Tpm2Client client, uint handle, TpmSe type, TpmAlgId hash, ReadOnlySpan<byte> salt, byte[] nonceTpm, byte[] nonceCaller)
    {
        _client = client;
        _type = type;
        Handle = handle;
        Hash = hash;
        _nonceTpm = nonceTpm;
        _nonceCaller = nonceCaller;
        _key = GC.AllocateArray<byte>(salt.IsEmpty ? 0 : hash.Size(), pinned: true);
        Tpm2Kdf.A(hash, salt, "ATH"u8, nonceTpm, nonceCaller, _key);
    }

    private enum State
    {
        Open,

        /// <summary>A command failed: the session is there still, but nobody knows its nonces.</summary>
        Doubtful,
        Closed,
    }

    public uint Handle { get; }

    public TpmAlgId Hash { get; }

    /// <summary>Whether the session is to go on after the next command.</summary>
    public bool Continue { get; set; }

    public bool IsOpen => _state == State.Open;

    internal ReadOnlySpan<byte> NonceCaller => _nonceCaller;

    /// <summary>TPMA_SESSION of the next command.</summary>
    internal byte Attributes(Tpm2Encryption encryption) => (byte)((byte)encryption | (Continue ? ContinueSession : 0));

    /// <summary>A new nonce for the next command.</summary>
    internal void Begin()
    {
        if (_state != State.Open) throw new InvalidOperationException("the session has ended: open another one for each command, or set Continue");
        _nonceCaller = RandomNumberGenerator.GetBytes(Hash.Size());
    }

    /// <summary>The HMAC over a command.</summary>
    internal byte[] Authorize(ReadOnlySpan<byte> cpHash, byte attributes, Tpm2AuthValue? auth) =>
        Mac(cpHash, _nonceCaller, _nonceTpm, attributes, auth);

    /// <summary>Encrypts a parameter of the command in place.</summary>
    internal void Encrypt(Span<byte> parameter, Tpm2AuthValue? auth) => Crypt(parameter, _nonceCaller, _nonceTpm, auth, encrypt: true);

    /// <summary>Decrypts a parameter of the response in place.</summary>
    internal void Decrypt(Span<byte> parameter, Tpm2AuthValue? auth) => Crypt(parameter, _nonceTpm, _nonceCaller, auth, encrypt: false);

    /// <summary>Takes the session's part of a response; false when its HMAC is wrong.</summary>
    internal bool Accept(ReadOnlySpan<byte> rpHash, ReadOnlyMemory<byte> nonceTpm, byte attributes, ReadOnlyMemory<byte> hmac, Tpm2AuthValue? auth)
    {
        byte[] newer = nonceTpm.ToArray();
        byte[] expected = Mac(rpHash, newer, _nonceCaller, attributes, auth);
        bool genuine = CryptographicOperations.FixedTimeEquals(expected, hmac.Span);
        _nonceTpm = newer;
        _state = !genuine ? State.Doubtful : (attributes & ContinueSession) != 0 ? State.Open : State.Closed;
        return genuine;
    }

    /// <summary>A command with this session failed, or is under way.</summary>
    internal void Doubt() => _state = State.Doubtful;

    /// <summary>The link failed: nothing more can be said to the TPM.</summary>
    internal void Abandon() => _state = State.Closed;

    /// <summary>Zeroes the key, and ends a session that is still open in the TPM.</summary>
    public void Dispose()
    {
        if (_state != State.Closed) _client.FlushQuietly(Handle);
        _state = State.Closed;
        CryptographicOperations.ZeroMemory(_key);
    }

    /// <summary>Part 1 §19.6.5: a policy's HMAC has no authorization value in its key.</summary>
    private byte[] Mac(ReadOnlySpan<byte> parametersHash, byte[] newer, byte[] older, byte attributes, Tpm2AuthValue? auth)
    {
        byte[] key = Key(_type == TpmSe.Hmac ? auth : null);
        byte[] input = [.. parametersHash, .. newer, .. older, attributes];
        byte[] hmac = CryptographicOperations.HmacData(Hash.Name(), key, input);
        CryptographicOperations.ZeroMemory(key);
        return hmac;
    }

    /// <summary>AES-128 in cipher feedback mode (Part 1 §21.3), key and first block derived anew from each pair of nonces.</summary>
    private void Crypt(Span<byte> data, byte[] newer, byte[] older, Tpm2AuthValue? auth, bool encrypt)
    {
        Span<byte> derived = stackalloc byte[2 * BlockSize];
        byte[] key = Key(auth);
        Tpm2Kdf.A(Hash, key, "CFB"u8, newer, older, derived);
        CryptographicOperations.ZeroMemory(key);
        using var aes = Aes.Create();
        aes.SetKey(derived[..BlockSize]);
        Span<byte> feedback = derived[BlockSize..];
        Span<byte> stream = stackalloc byte[BlockSize];
        while (!data.IsEmpty)
        {
            aes.EncryptEcb(feedback, stream, PaddingMode.None);
            int length = Math.Min(BlockSize, data.Length);
            // What goes round is the ciphertext; of a last, shorter block nothing does.
            if (!encrypt) data[..length].CopyTo(feedback);
            for (int i = 0; i < length; i++) data[i] ^= stream[i];
            if (encrypt) data[..length].CopyTo(feedback);
            data = data[length..];
        }

        CryptographicOperations.ZeroMemory(derived);
        CryptographicOperations.ZeroMemory(stream);
    }

    private byte[] Key(Tpm2AuthValue? auth)
    {
        ReadOnlySpan<byte> value = auth is null ? [] : auth.Span;
        byte[] key = GC.AllocateArray<byte>(_key.Length + value.Length, pinned: true);
        _key.CopyTo(key, 0);
        value.CopyTo(key.AsSpan(_key.Length));
        return key;
    }
}
