using System.Security.Cryptography;

namespace Vtpm.Engine;

/// <summary>
/// Bytes that must not leak: in memory that the collector never copies, compared in constant time, never printed, zeroed when disposed of or,
/// since states share their secrets, when the last state that holds it is gone.
/// </summary>
public sealed class Secret : IEquatable<Secret>, IDisposable
{
    private readonly byte[] _bytes;

    public Secret(ReadOnlySpan<byte> bytes)
    {
        _bytes = GC.AllocateUninitializedArray<byte>(bytes.Length, pinned: true);
        bytes.CopyTo(_bytes);
    }

    ~Secret() => CryptographicOperations.ZeroMemory(_bytes);

    public ReadOnlySpan<byte> Span => _bytes;

    public int Length => _bytes.Length;

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_bytes);
        GC.SuppressFinalize(this);
    }

    public bool Equals(Secret? other) => other is not null && CryptographicOperations.FixedTimeEquals(_bytes, other._bytes);

    public override bool Equals(object? obj) => Equals(obj as Secret);

    public override int GetHashCode() => 0;

    public override string ToString() => "(secret)";
}
