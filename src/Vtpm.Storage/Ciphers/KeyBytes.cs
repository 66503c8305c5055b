using System.Security.Cryptography;

namespace Vtpm.Storage;

/// <summary>Key material in memory that the collector never copies, zeroed when disposed of; never printed.</summary>
internal sealed class KeyBytes : IDisposable
{
    private readonly byte[] _bytes;

    public KeyBytes(int length) => _bytes = GC.AllocateArray<byte>(length, pinned: true);

    public KeyBytes(ReadOnlySpan<byte> bytes)
        : this(bytes.Length) => bytes.CopyTo(_bytes);

    public Span<byte> Span => _bytes;

    public static KeyBytes Random(int length)
    {
        var key = new KeyBytes(length);
        RandomNumberGenerator.Fill(key._bytes);
        return key;
    }

    /// <summary>A cipher under this key; whoever asks disposes of it.</summary>
    public Aes CreateAes()
    {
        var aes = Aes.Create();
        aes.SetKey(_bytes);
        return aes;
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);

    public override string ToString() => "(key)";
}
