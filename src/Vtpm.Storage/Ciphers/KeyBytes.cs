using System.Security.Cryptography;

namespace Vtpm.Storage;

/// <summary>Key material in memory that the collector never copies, zeroed when disposed of; never printed.</summary>
internal sealed class KeyBytes : IDisposable
{
    private readonly byte[] _bytes;
    private Aes? _cipher;
    private bool _disposed;

    public KeyBytes(int length) => _bytes = GC.AllocateArray<byte>(length, pinned: true);

    public KeyBytes(ReadOnlySpan<byte> bytes)
        : this(bytes.Length) => bytes.CopyTo(_bytes);

    public Span<byte> Span => _bytes;

    /// <summary>The cipher under this key, made once; ends with the key.</summary>
    public Aes Cipher
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _cipher ??= CreateCipher();
        }
    }

    public static KeyBytes Random(int length)
    {
        var key = new KeyBytes(length);
        RandomNumberGenerator.Fill(key._bytes);
        return key;
    }

    public void Dispose()
    {
        _disposed = true;
        _cipher?.Dispose();
        _cipher = null;
        CryptographicOperations.ZeroMemory(_bytes);
    }

    public override string ToString() => "(key)";

    private Aes CreateCipher()
    {
        var aes = Aes.Create();
        aes.SetKey(_bytes);
        return aes;
    }
}
