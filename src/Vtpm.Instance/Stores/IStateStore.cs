namespace Vtpm.Instance;

/// <summary>A state was not made durable; the one before it is what counts.</summary>
/// <param name="message">What is wrong and what to do.</param>
/// <param name="isTransient">Whether trying again later may help without anybody doing something.</param>
/// <param name="inner">Its cause.</param>
public sealed class StateNotSavedException(string message, bool isTransient, Exception? inner = null) : Exception(message, inner)
{
    public bool IsTransient => isTransient;
}

/// <summary>Where the state of a TPM lasts.</summary>
public interface IStateStore
{
    /// <summary>Makes <paramref name="state"/> durable, whole or not at all.</summary>
    /// <exception cref="StateNotSavedException">It is not; the store still has the state before it, or will say so when it is asked again.</exception>
    void Save(ReadOnlySpan<byte> state);
}
